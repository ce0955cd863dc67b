import { claimMutations } from "./claims.ts";
import { creditMutations } from "./credits.ts";
import { endingMutations } from "./endings.ts";
import { generationMutations } from "./generation.ts";
import type { Mutation } from "./mutation.ts";
import { privilegeMutations } from "./privileges.ts";
import {
  fileMutations,
  jsonApiMutations,
  lookMutations,
  signatureMutations,
  submissionMutations,
} from "./providers.ts";
import { callerMutations, stepMutations } from "./requests.ts";
import { auditMutations, tableMutations } from "./tables.ts";
import { transitionMutations } from "./transitions.ts";

/** Every guard of money, and how it is taken away. The slow ones, which need the whole stack, come first. */
export const mutations: readonly Mutation[] = [
  ...callerMutations,
  ...stepMutations,
  ...signatureMutations,
  ...submissionMutations,
  ...jsonApiMutations,
  ...lookMutations,
  ...fileMutations,
  ...generationMutations,
  ...creditMutations,
  ...tableMutations,
  ...claimMutations,
  ...transitionMutations,
  ...endingMutations,
  ...auditMutations,
  ...privilegeMutations,
];
