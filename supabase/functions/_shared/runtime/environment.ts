import { z } from "zod";

/** A host, `*.` and a domain, or a host and the folder that its paths begin with. */
const HOST = /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(\/[^\s?#]*\/)?$/;

const hostList = z.string()
  .transform((list) => list.split(",").map((host) => host.trim()))
  .pipe(z.array(z.string().regex(HOST, { error: "must be host names with commas between" })));

const textList = z.string().transform((list) =>
  list.split(",").map((text) => text.trim()).filter((text) => text !== "")
);

/** An address as `iss` has it: https, or a server of this machine. */
const ISSUER = /^(https:\/\/[^\s?#@]+|http:\/\/(127\.0\.0\.1|localhost)(:\d+)?(\/[^\s?#@]*)?)$/;

const issuerList = textList.pipe(z.array(
  z.string().max(255).regex(ISSUER, { error: "must be https addresses with commas between" })
    // The database takes such tokens for those of Supabase Auth, whose subject is the user's id.
    .refine((issuer) => !issuer.endsWith("/auth/v1"), { error: "must not be Supabase Auth" }),
));

/** The project cannot serve any request until the operator corrects it. The message is for the operator; it has no secret. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** Whether a set of public keys, `{"keys":[…]}` or `[…]`, has a key that can verify a user's token. */
function hasKeys(jwks: string): boolean {
  return /"kty"/.test(jwks);
}

/**
 * Everything the functions read from their environment; nothing else calls `Deno.env`. Supabase's own variables
 * (`SUPABASE_URL`, keys, JWKS) are read by `@supabase/server`.
 */
const environmentSchema = z.object({
  /** `FALAI_API_KEY` is accepted too. */
  FAL_KEY: z.string().min(1).optional(),
  /** Where fal's queue is instead of https://queue.fal.run: the simulator of the local stack. */
  FAL_QUEUE_URL: z.url().optional(),
  /** Where fal's public keys are, instead of fal's own addresses: the simulator of the local stack. */
  FAL_JWKS_URL: z.url().optional(),
  RUNPOD_API_KEY: z.string().min(1).optional(),
  /** Where RunPod's API is instead of https://api.runpod.ai/v2: the simulator of the local stack. */
  RUNPOD_BASE_URL: z.url().optional(),
  /**
   * The hosts where your RunPod handlers leave their videos, with commas between: `bucket.s3.amazonaws.com`,
   * `*.r2.dev`, `storage.example/folder/`. A file at any other host is refused.
   */
  RUNPOD_MEDIA_HOSTS: hostList.optional(),
  /** The secret in the address of a webhook that is set at a RunPod endpoint itself; without it there is no such address. */
  RUNPOD_WEBHOOK_TOKEN: z.string().min(16, { error: "must have at least 16 characters" }).optional(),
  GEMINI_API_KEY: z.string().min(1).optional(),
  /** Where the Gemini API is instead of https://generativelanguage.googleapis.com/v1beta: the simulator. */
  GEMINI_BASE_URL: z.url().optional(),
  RENDI_API_KEY: z.string().min(1).optional(),
  /** Where Rendi's API is instead of https://api.rendi.dev/v1: the simulator of the local stack. */
  RENDI_BASE_URL: z.url().optional(),
  /**
   * Where providers reach the functions, `https://…/functions/v1`: by default the project's own address. Without a public
   * address there are no webhooks, and the worker finds the results by polling.
   */
  PUBLIC_FUNCTIONS_URL: z.url().optional(),
  /** Deno's own: the proxy through which `fetch` reaches the internet. */
  HTTPS_PROXY: z.string().optional(),
  https_proxy: z.string().optional(),
  /** `supabase` copies every video into the private bucket; `provider` serves the provider's own URLs. */
  VIDEO_STORAGE: z.enum(["supabase", "provider"]).default("supabase"),
  /** How long a signed video URL works, in seconds: up to a year. Every person who has the URL can see the video until then. */
  SIGNED_URL_SECONDS: z.coerce.number().int().min(60).max(365 * 24 * 60 * 60).default(3600),
  /**
   * The identity providers besides Supabase Auth whose users may call (docs/identity.md): their issuers, exactly as `iss`
   * in their tokens, with commas between.
   */
  THIRD_PARTY_ISSUERS: issuerList.optional(),
  /** Where it is set, such a token must have one of these as `aud` or `azp`; with commas between. */
  THIRD_PARTY_AUDIENCES: textList.optional(),
  SUPABASE_JWKS: z.string().refine(hasKeys, {
    error: "this project signs its users' tokens with the legacy secret, which functions cannot verify. " +
      "Create an asymmetric signing key and rotate to it: dashboard, Project Settings, JWT Keys",
  }).optional(),
});

export type Environment = z.infer<typeof environmentSchema>;

/**
 * Reads and checks the environment. Throws `ConfigurationError` with the names of the variables that are not valid, never
 * their values.
 */
export function readEnvironment(): Environment {
  // An empty variable counts as not set: a copied .env.example has `FAL_KEY=`.
  const variables = Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([, value]) => value !== ""));
  const parsed = environmentSchema.safeParse({
    ...(variables.SUPABASE_URL?.startsWith("https://")
      ? { PUBLIC_FUNCTIONS_URL: `${variables.SUPABASE_URL}/functions/v1` }
      : {}),
    FAL_KEY: variables.FALAI_API_KEY,
    ...variables,
  });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new ConfigurationError(`Environment variables are not valid: ${problems.join("; ")}`);
}
