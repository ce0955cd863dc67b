/** Ends this process when its standard input closes: its parent holds the other end, and has died or let go. */
export async function exitWithParent(cleanUp: () => void = () => {}): Promise<never> {
  const input = Deno.stdin.readable.getReader();
  while (!(await input.read()).done);
  cleanUp();
  Deno.exit(0);
}
