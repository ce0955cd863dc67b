// What every provider's adapter must hold to, whoever the provider is: one suite, and a table for each provider.
import { fal } from "./fal.ts";
import { claimLooks } from "./looks.ts";
import { claimMedia } from "./media.ts";
import { claimRuns } from "./runs.ts";
import { runpod } from "./runpod.ts";
import { claimSubmissions } from "./submissions.ts";
import { veo } from "./veo.ts";
import { claimWebhooks } from "./webhooks.ts";

for (const specimen of [fal, runpod, veo]) {
  claimSubmissions(specimen);
  claimLooks(specimen);
  claimRuns(specimen);
  claimMedia(specimen);
  claimWebhooks(specimen);
}
