import { createClient } from "@supabase/supabase-js";
import type { Database } from "../../../supabase/functions/_shared/database/database.types.ts";
import type { Dependencies } from "../../../supabase/functions/_shared/jobs/dependencies.ts";
import { createFalAdapter } from "../../../supabase/functions/_shared/providers/fal/falai-adapter.ts";
import { createImportAdapter } from "../../../supabase/functions/_shared/providers/import/import-adapter.ts";
import { ProviderError, type VideoProvider } from "../../../supabase/functions/_shared/providers/provider.ts";
import { createRendiAdapter } from "../../../supabase/functions/_shared/providers/rendi/rendi-adapter.ts";
import { createRunpodAdapter } from "../../../supabase/functions/_shared/providers/runpod/runpod-adapter.ts";
import { createVeoAdapter } from "../../../supabase/functions/_shared/providers/veo/veo-adapter.ts";
import { SignedUrlCache } from "../../../supabase/functions/_shared/storage/signed-url-cache.ts";
import { Bucket } from "./bucket.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ProcedureServer } from "./procedures.ts";
import type { Network } from "./network.ts";
import type { Sequencer } from "../runtime/sequencer.ts";
import { currentProcess } from "../runtime/process.ts";
import { RUNPOD_WEBHOOK_TOKEN } from "../faults/webhooks.ts";
import { EarlierSystem } from "./earlier-system.ts";
import { FalProvider } from "./fal.ts";
import { RendiProvider } from "./rendi.ts";
import { RunpodProvider } from "./runpod.ts";
import { VeoProvider } from "./veo.ts";

/** The simulated services that the functions call, and the network before them. */
export interface SimulatedServices {
  network: Network;
  procedures: ProcedureServer;
  bucket: Bucket;
  fal: FalProvider;
  runpod: RunpodProvider;
  veo: VeoProvider;
  earlierSystem: EarlierSystem;
  rendi: RendiProvider;
  clock: Clock;
  sequencer: Sequencer;
}

/** The real dependencies of the functions. Only their requests go to the simulated services. */
export function createDependencies(services: SimulatedServices): Dependencies {
  const { network, procedures, bucket, sequencer } = services;
  Deno.env.set("SUPABASE_URL", "http://supabase.simulated");
  Deno.env.set("SUPABASE_SECRET_KEYS", JSON.stringify({ default: "sb_secret_simulated" }));
  async function supabase(input: URL | RequestInfo, init: RequestInit = {}): Promise<Response> {
    const method = init.method ?? "GET";
    const path = new URL(input instanceof Request ? input.url : input).pathname;
    const [procedure] = path.match(/(?<=^\/rest\/v1\/rpc\/).+/) ?? [];
    if (procedure !== undefined) {
      const run = () => procedures.call(procedure, String(init.body));
      return await network.call("database", procedure, () => sequencer.inTurn(run));
    }
    const file = decodeURIComponent(path.replace("/storage/v1/object/", ""));
    return await network.call("storage", Bucket.pointOf(method, file), () => bucket.call(method, file, init.body));
  }
  const providers = createProviders(services);
  return {
    client: createClient<Database>("http://supabase.simulated", "sb_secret_simulated", {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      global: { fetch: supabase },
    }),
    providers: {
      get(name) {
        const provider = providers[name];
        return provider === undefined
          ? Promise.reject(new ProviderError("fatal", "provider_model_missing", name))
          : Promise.resolve(provider);
      },
      has: (name) => providers[name] !== undefined,
    },
    environment: {
      VIDEO_STORAGE: "supabase",
      SIGNED_URL_SECONDS: 3600,
      PUBLIC_FUNCTIONS_URL: "http://functions.simulated",
      RUNPOD_WEBHOOK_TOKEN,
    },
    /** A process that crashes never answers those who wait for a URL that it was signing. */
    get signedUrls() {
      return new SignedUrlCache();
    },
    random: () => currentProcess().random.next(),
    pause: () => Promise.resolve(),
  };
}

/** A simulated provider. `pointOf` names the fault point of a call. */
interface RemoteService {
  pointOf(method: string, url: URL): string;
  call(method: string, url: URL, init: RequestInit): Promise<Response>;
}

/** The real adapters. Their calls go through the simulated network. */
function createProviders(
  { network, fal, runpod, veo, rendi, earlierSystem, clock }: SimulatedServices,
): Record<string, VideoProvider> {
  const fetchFrom = ({ pointOf, call }: RemoteService): typeof fetch => async (input, init = {}) => {
    const method = init.method ?? "GET";
    const url = new URL(input instanceof Request ? input.url : input);
    return await network.call("provider", pointOf(method, url), () => call(method, url, init));
  };
  return {
    fal: createFalAdapter({
      key: fal.simulation.key,
      queueUrl: fal.url,
      jwksUrl: fal.jwksUrl,
      fetch: fetchFrom({ pointOf: FalProvider.pointOf, call: (...asked) => fal.call(...asked) }),
      now: clock.now,
    }),
    import: createImportAdapter({
      fetch: fetchFrom({ pointOf: EarlierSystem.pointOf, call: (...asked) => earlierSystem.call(...asked) }),
    }),
    runpod: createRunpodAdapter({
      key: runpod.key,
      baseUrl: runpod.url,
      mediaHosts: [],
      fetch: fetchFrom({ pointOf: RunpodProvider.pointOf, call: (...asked) => runpod.call(...asked) }),
    }),
    rendi: createRendiAdapter({
      key: rendi.key,
      baseUrl: rendi.url,
      fetch: fetchFrom({ pointOf: RendiProvider.pointOf, call: (...asked) => rendi.call(...asked) }),
    }),
    veo: createVeoAdapter({
      key: veo.key,
      baseUrl: veo.url,
      fetch: fetchFrom({ pointOf: VeoProvider.pointOf, call: (...asked) => veo.call(...asked) }),
    }),
  };
}
