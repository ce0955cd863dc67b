/** A broken invariant. */
export class Violation extends Error {
  override readonly name = "Violation";
}
