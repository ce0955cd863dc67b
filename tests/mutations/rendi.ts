// Rendi: a command is one of ours and is sent once, and only a known state ends it.
import type { Mutation } from "./mutation.ts";

const RENDI = "supabase/functions/_shared/providers/rendi";
const ADAPTER = `${RENDI}/rendi-adapter.ts`;
const COMMANDS = `${RENDI}/rendi-commands.ts`;
const ERRORS = `${RENDI}/rendi-errors.ts`;
const conformance = (name: string) => ({ file: "tests/conformance/provider_conformance_test.ts", name });
const commandTest = (name: string) => ({ file: `${RENDI}/rendi-commands_test.ts`, name });
const adapterTest = (name: string) => ({ file: `${RENDI}/rendi-adapter_test.ts`, name });
const REFUSED = "a command is not sent if it is ";

export const rendiMutations: readonly Mutation[] = [
  {
    name: "the one submission to rendi",
    guard: "A command whose answer got lost is not sent again: it may be running.",
    file: ADAPTER,
    find: "await api.submit(path, body, options)",
    replace: "await api.submit(path, body, options).catch(() => api.submit(path, body, options))",
    test: conformance(
      "rendi: a submission with submit_drop_before is retryable provider_unreachable and may have started, after one POST",
    ),
  },
  {
    name: "an answer without a command_id",
    guard: "A success without an id may be running.",
    file: ADAPTER,
    find: `throw badAnswerError("the submission's answer has no command_id", true);`,
    replace: `throw badAnswerError("the submission's answer has no command_id");`,
    test: conformance("rendi: a submission answered with an empty object may have started, after one POST"),
  },
  {
    name: "a check of a command answered with an error",
    guard: "A check that failed does not end the run.",
    file: ADAPTER,
    find: "if (!isGone(reply.errorAnswer)) throw transient(error);",
    replace: "",
    test: conformance(
      "rendi: a check answered with a gateway's 500 throws retryable provider_error, after one request",
    ),
  },
  {
    name: "a check of a command answered by a router",
    guard: "A 404 that does not speak of the command says nothing about the run.",
    file: ERRORS,
    find:
      "return answer.status === 404 && errorBody.safeParse(answer.body).success && /\\bcommand\\b/i.test(detailOf(answer));",
    replace: "return answer.status === 404;",
    test: conformance(
      "rendi: a check answered with a gateway's 404 throws retryable provider_model_missing, after one request",
    ),
  },
  {
    name: "an unknown state of a command",
    guard: "Only a known state ends a run.",
    file: ADAPTER,
    find: 'case "FAILED":',
    replace: 'case "TIMEOUT": case "FAILED":',
    test: conformance("rendi: a check answered with an unknown state leaves the run running"),
  },
  {
    name: "the alphabet of commands",
    guard: "A command has no character by which it could become another one.",
    file: COMMANDS,
    find: "if (!ALPHABET.test(command))",
    replace: "if (false)",
    test: commandTest(`${REFUSED}${JSON.stringify("-i {{in_video}} $HOME {{out_video}}")}`),
  },
  {
    name: "the forbidden words of commands",
    guard: "A command reads and writes nothing but the files of its run.",
    file: COMMANDS,
    find: "if (FORBIDDEN.test(command))",
    replace: "if (false)",
    test: commandTest(`${REFUSED}${JSON.stringify('-i {{in_video}} -vf "movie=1.mp4" {{out_video}}')}`),
  },
  {
    name: "the aliases of commands",
    guard: "A command names each of its files, and no other.",
    file: COMMANDS,
    find: "if (known.size === 0 || used.symmetricDifference(known).size > 0)",
    replace: "if (known.size === 0)",
    test: commandTest(`${REFUSED}${JSON.stringify("-i {{in_video}} -i {{in_other}} {{out_video}}")}`),
  },
  {
    name: "the schema of a template",
    guard: "Only checked numbers and enums come into a command.",
    file: COMMANDS,
    find: "if (parsed.success) return build(parsed.data);",
    replace: "if (parsed.success || input !== null) return build(input as Input);",
    test: commandTest("an input with a missing, wrong or additional field is refused before anything is sent"),
  },
  {
    name: "a Rendi account that may not run commands",
    guard: "A locked account takes no further charge.",
    file: ERRORS,
    find: 'const { kind, code } = isAboutAccount ? fatal("provider_locked") : classOfStatus(answer.status);',
    replace: "const { kind, code } = classOfStatus(answer.status);",
    test: adapterTest("an account for samples is fatal provider_locked"),
  },
];
