// What every provider's adapter must hold to, whoever the provider is: one suite, and a table for each provider.
import { fal } from "./fal.ts";
import { testChecks } from "./checks.ts";
import { testMedia } from "./media.ts";
import { testRuns } from "./runs.ts";
import { runpod } from "./runpod.ts";
import { testSubmissions } from "./submissions.ts";
import { veo } from "./veo.ts";
import { testWebhooks } from "./webhooks.ts";

for (const tested of [fal, runpod, veo]) {
  testSubmissions(tested);
  testChecks(tested);
  testRuns(tested);
  testMedia(tested);
  testWebhooks(tested);
}
