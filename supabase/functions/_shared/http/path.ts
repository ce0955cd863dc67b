/** The parts of a request's path below the function's own name; a slash at the end changes nothing. */
export function pathBelow(request: Request): string[] {
  return new URL(request.url).pathname.split("/").filter(Boolean).slice(1);
}
