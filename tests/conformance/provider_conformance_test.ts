// What the adapter of every provider must do: one suite, and a table for each provider.
import { fal } from "./fal.ts";
import { testCancellations } from "./cancellations.ts";
import { testChecks } from "./checks.ts";
import { testMedia } from "./media.ts";
import { testRuns } from "./runs.ts";
import { rendi } from "./rendi.ts";
import { runpod } from "./runpod.ts";
import { testSubmissions } from "./submissions.ts";
import { veo } from "./veo.ts";
import { testWebhooks } from "./webhooks.ts";

for (const tested of [fal, rendi, runpod, veo]) {
  testSubmissions(tested);
  testChecks(tested);
  testRuns(tested);
  testCancellations(tested);
  testMedia(tested);
  testWebhooks(tested);
}
