import { alone, type Vocabulary } from "../shared/prompt-words.ts";
import { COMMON_WORDS, type CommonScript } from "../shared/script.ts";

/** What a failed command says of itself. */
export interface Failure {
  error_status: string;
  error_message: string;
}

/** What is to happen to a command; a field that is missing goes well. */
export interface RendiScript extends CommonScript {
  failure?: Failure;
  /** Never ends. */
  hang?: boolean;
  /** Its status is a 404 from the start. */
  gone?: boolean;
  unknownState?: boolean;
  /** It ends without a file. */
  noFiles?: boolean;
  refusal?: "sample_mode";
}

const failed = (error_status: string, error_message: string) =>
  alone<RendiScript>({ failure: { error_status, error_message } });

/** The words that Rendi's simulator knows. Its README lists them. */
export const RENDI_VOCABULARY: Vocabulary<RendiScript> = {
  provider: "rendi",
  failing: (error_message) => ({ failure: { error_status: "PROCESSING_ERROR", error_message } }),
  words: {
    ...COMMON_WORDS,
    unreachable: failed("UNREACHABLE_INPUT_FILE", "Input file could not be downloaded"),
    timeout: failed("TIMEOUT", "The command took longer than max_command_run_seconds"),
    out_of_memory: failed("PROCESSING_ERROR", "Killed"),
    bad_file: failed("PROCESSING_ERROR", "in_video: Invalid data found when processing input"),
    no_files: alone({ noFiles: true }),
    hang: alone({ hang: true }),
    gone: alone({ gone: true }),
    unknown_state: alone({ unknownState: true }),
    sample_mode: alone({ refusal: "sample_mode" }),
  },
};
