import type { FfmpegCommand } from "./engine.ts";

/** What a run came to. */
export interface Execution {
  /** Null where it ended well and wrote all its outputs. */
  failure: string | null;
  log: string;
  outputs: Record<string, Uint8Array>;
}

/** A way to run ffmpeg; one run at a time. */
export interface Runner {
  readonly kind: "native" | "wasm";
  execute(command: FfmpegCommand): Promise<Execution>;
  /** Ends a run that is under way. */
  stop(): Promise<void>;
}
