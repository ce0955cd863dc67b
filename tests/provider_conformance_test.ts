// What every provider's adapter must hold to, whoever the provider is: one suite, and a table for each provider.
import { fal } from "./conformance/fal.ts";
import { claimLooks } from "./conformance/looks.ts";
import { claimMedia } from "./conformance/media.ts";
import { claimRuns } from "./conformance/runs.ts";
import { runpod } from "./conformance/runpod.ts";
import { claimSubmissions } from "./conformance/submissions.ts";
import { veo } from "./conformance/veo.ts";
import { claimWebhooks } from "./conformance/webhooks.ts";

for (const specimen of [fal, runpod, veo]) {
  claimSubmissions(specimen);
  claimLooks(specimen);
  claimRuns(specimen);
  claimMedia(specimen);
  claimWebhooks(specimen);
}
