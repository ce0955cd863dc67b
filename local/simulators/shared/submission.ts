import type { SimulatedResponse } from "./http.ts";
import type { CommonScript } from "./script.ts";
import type { Timeline } from "./timeline.ts";

/** How a simulator refuses a submission with an HTTP code, and how it accepts one. */
export interface Submission {
  refuse(code: number): SimulatedResponse;
  accept(): SimulatedResponse | Promise<SimulatedResponse>;
}

/** Accepts a submission, or lets it fail as its script says. */
export async function answerSubmission(
  { submit: fault, answerAfterMs = 0 }: Pick<CommonScript, "submit" | "answerAfterMs">,
  timeline: Timeline,
  { refuse, accept }: Submission,
): Promise<SimulatedResponse | "drop"> {
  if (fault === "drop_before") return "drop";
  if (fault !== undefined && fault !== "drop_after" && fault !== "bad_json") return refuse(Number(fault));
  const accepted = await accept();
  await timeline.wait(answerAfterMs);
  if (fault === "drop_after") return "drop";
  return fault === "bad_json" ? { ...accepted, body: '{"id": "cut sh' } : accepted;
}
