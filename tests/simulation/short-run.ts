// What the tests of the random world have in common. Each is a file of its own, so that they run beside each other.

export const SHORT_RUN = { operations: 3_000, users: 60 } as const;

// Calls of crashed processes leave their timers behind.
export const untidy = { sanitizeOps: false, sanitizeResources: false };

export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
