/** Reports the port of this process to its parent, as the one line of JSON that `startChild` waits for. */
export async function announcePort(port: number): Promise<void> {
  const line = new TextEncoder().encode(`${JSON.stringify({ port, pid: Deno.pid })}\n`);
  // A parent that has ended does not read it; `exitWithParent` ends this process then.
  await Deno.stdout.write(line).catch(() => {});
}

/** Ends this process when its standard input closes: its parent, which holds the other end, has ended or closed it. */
export async function exitWithParent(cleanUp: () => void = () => {}): Promise<never> {
  const input = Deno.stdin.readable.getReader();
  while (!(await input.read()).done);
  cleanUp();
  Deno.exit(0);
}
