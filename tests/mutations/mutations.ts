import { accountMutations } from "./accounts.ts";
import { cancellationMutations } from "./cancellation.ts";
import { canvasMutations } from "./canvas.ts";
import { catalogueMutations } from "./catalogue.ts";
import { circuitMutations } from "./circuits.ts";
import { importMutations } from "./imports.ts";
import { identityMutations } from "./identities.ts";
import { keyMutations } from "./keys.ts";
import { leaseMutations } from "./leases.ts";
import { creditMutations } from "./credits.ts";
import { endpointMutations } from "./endpoint.ts";
import { endingMutations } from "./endings.ts";
import { extraMutations } from "./extras.ts";
import { generationMutations } from "./generation.ts";
import { localMutations } from "./local.ts";
import type { Mutation } from "./mutation.ts";
import { pipelineMutations } from "./pipeline.ts";
import { pricingMutations } from "./pricing.ts";
import { privilegeMutations } from "./privileges.ts";
import { checkMutations, jsonApiMutations, signatureMutations, submissionMutations } from "./providers.ts";
import { openvMutations } from "./openv.ts";
import { rendiMutations } from "./rendi.ts";
import { outcomeMutations } from "./job-outcomes.ts";
import { privateFileMutations } from "./private-files.ts";
import { requestMutations } from "./requests.ts";
import { shareMutations } from "./shares.ts";
import { thumbnailMutations } from "./thumbnails.ts";
import { transitionMutations } from "./transitions.ts";
import { auditMutations, tableMutations } from "./tables.ts";
import { progressMutations } from "./progress.ts";
import { fileMutations } from "./provider-files.ts";
import { uploadMutations } from "./uploads.ts";

/** Every guard of money, and how it is taken away. The slow ones, which need the whole stack, come first. */
export const mutations: readonly Mutation[] = [
  ...requestMutations,
  ...endpointMutations,
  ...identityMutations,
  ...outcomeMutations,
  ...transitionMutations,
  ...openvMutations,
  ...signatureMutations,
  ...submissionMutations,
  ...jsonApiMutations,
  ...checkMutations,
  ...rendiMutations,
  ...fileMutations,
  ...uploadMutations,
  ...privateFileMutations,
  ...shareMutations,
  ...cancellationMutations,
  ...localMutations,
  ...circuitMutations,
  ...keyMutations,
  ...generationMutations,
  ...canvasMutations,
  ...extraMutations,
  ...pricingMutations,
  ...creditMutations,
  ...accountMutations,
  ...tableMutations,
  ...catalogueMutations,
  ...leaseMutations,
  ...progressMutations,
  ...pipelineMutations,
  ...endingMutations,
  ...thumbnailMutations,
  ...importMutations,
  ...auditMutations,
  ...privilegeMutations,
];
