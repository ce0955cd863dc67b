/** An invariant that does not hold: what the whole simulation looks for. */
export class Violation extends Error {
  override readonly name = "Violation";
}
