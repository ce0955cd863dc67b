import { errorDetail } from "./outcomes.ts";
import type { JsonObject } from "../shared/json.ts";
import type { Cue } from "../studio/subtitles.ts";

const TIMES = /^(\d{1,3}):(\d\d):(\d\d)[,.](\d{1,3})\s*-->\s*(\d{1,3}):(\d\d):(\d\d)[,.](\d{1,3})\s*$/;

/** Reads an SRT; null where it has no cue, or one without a number, times or a text. Tags are a part of the text. */
export function parseSrt(srt: string): Cue[] | null {
  const blocks = srt.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n").split(/\n{2,}/).map((block) => block.trim())
    .filter((block) => block !== "");
  const cues = blocks.map(parseCue);
  return cues.length > 0 && cues.every((cue) => cue !== null) ? cues : null;
}

/** What is wrong with the SRT of an input. */
export function srtFaults({ srt_content }: JsonObject): JsonObject[] {
  if (srt_content === undefined || srt_content === null) return [];
  if (typeof srt_content === "string" && parseSrt(srt_content) !== null) return [];
  return [errorDetail("value_error", ["body", "srt_content"], "Invalid SRT content")];
}

function parseCue(block: string): Cue | null {
  const [number = "", times = "", ...lines] = block.split("\n");
  const found = TIMES.exec(times.trim());
  if (!/^\d+$/.test(number.trim()) || found === null || lines.length === 0) return null;
  const [start, end] = [secondsOf(found.slice(1, 5)), secondsOf(found.slice(5, 9))];
  return end > start ? { start, end, text: lines.join("\n") } : null;
}

function secondsOf([hours = "", minutes = "", seconds = "", thousandths = ""]: string[]): number {
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(thousandths.padEnd(3, "0")) / 1000;
}
