/**
 * How long to wait before the next try, in whole seconds: exponential with full jitter, so that jobs that failed
 * together do not come back together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function backoffSeconds(failures: number, limits: { base: number; cap: number }, random: () => number): number {
  const ceiling = Math.min(limits.cap, limits.base * 2 ** Math.min(failures, 16));
  return Math.max(1, Math.ceil(ceiling * random()));
}
