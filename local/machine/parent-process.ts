/** Tells the parent where this process listens, as the one line of JSON that `startChild` waits for. */
export async function announcePort(port: number): Promise<void> {
  const line = new TextEncoder().encode(`${JSON.stringify({ port, pid: Deno.pid })}\n`);
  // A parent that has died does not listen; `exitWithParent` does the rest.
  await Deno.stdout.write(line).catch(() => {});
}

/** Ends this process when its standard input closes: its parent holds the other end, and has died or let go. */
export async function exitWithParent(cleanUp: () => void = () => {}): Promise<never> {
  const input = Deno.stdin.readable.getReader();
  while (!(await input.read()).done);
  cleanUp();
  Deno.exit(0);
}
