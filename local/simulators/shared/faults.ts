import type { Reply } from "./http.ts";
import type { Timeline } from "./timeline.ts";
import { countOf, millisecondsOf, type Words } from "./words.ts";

/** What can go wrong with a submission: `drop_before`, `drop_after`, `bad_json`, or the code that is answered. */
export type SubmitFault = "drop_before" | "drop_after" | "bad_json" | number;

/** Words that every simulator knows besides its own. */
const COMMON =
  /^(times|queue|run|slow|hang|submit_(drop_before|drop_after|bad_json|[45]\d\d)|status_[45]\d\d|media_(dead|foreign|private_redirect|redirect_loop))$/;

/** The first word that neither this simulator nor every one knows: a typing error must not look like a success. */
export function unknownWord(words: Words, own: (word: string) => boolean): string | undefined {
  return [...words.keys()].find((word) => !COMMON.test(word) && !own(word));
}

/** The fault that a prompt asks for. */
export function submitFaultIn(words: Words): SubmitFault | undefined {
  const fault = [...words.keys()].find((word) => word.startsWith("submit_"))?.slice("submit_".length);
  if (fault === "drop_before" || fault === "drop_after" || fault === "bad_json") return fault;
  return fault === undefined ? undefined : Number(fault);
}

/** How a submission is handled: what refuses it with a code, and what accepts it. */
export interface Submitting {
  refuse(code: number): Reply;
  accept(): Reply;
}

/** Accepts a submission, or lets it go wrong as asked; `slow=5s` accepts it at once and answers late. */
export async function submitWith(
  fault: SubmitFault | undefined,
  words: Words,
  timeline: Timeline,
  { refuse, accept }: Submitting,
): Promise<Reply | "drop"> {
  if (fault === "drop_before") return "drop";
  if (typeof fault === "number") return refuse(fault);
  const accepted = accept();
  await timeline.wait(millisecondsOf(words, "slow", 0));
  if (fault === "drop_after") return "drop";
  return fault === "bad_json" ? { ...accepted, body: '{"na' } : accepted;
}

/** The code that this look is to fail with: `status_503=2` fails the first two. */
export function statusFaultIn(words: Words, look: number): number | undefined {
  const word = [...words.keys()].find((key) => key.startsWith("status_"));
  return word !== undefined && look <= countOf(words, word, 1) ? Number(word.slice("status_".length)) : undefined;
}
