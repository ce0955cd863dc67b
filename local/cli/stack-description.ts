import { networkInterfaces } from "node:os";
import type { Model } from "./catalogue.ts";
import type { DevUser } from "./dev-user.ts";
import type { Stack } from "../stack/stack.ts";

/** A running stack, described for programs. */
export function describeStackAsJson(stack: Stack, user: DevUser): string {
  return JSON.stringify({
    url: stack.url,
    publishable_key: stack.publishableKey,
    secret_key: stack.secretKey,
    db_url: stack.databaseUrl,
    fal_simulator_url: stack.falSimulator?.url ?? null,
    user: { id: user.id, email: user.email, password: user.password, access_token: user.accessToken },
  });
}

/** A running stack, described for a developer, with commands to paste. */
export function describeStack(stack: Stack, user: DevUser, model: Model, host: string): string {
  return `
Reelmint runs at ${stack.url}. Ctrl-C or \`kill ${Deno.pid}\` stops it.
${describeReach(stack.url, host)}
  Publishable key  ${stack.publishableKey}
  Secret key       ${stack.secretKey}
  Database         ${stack.databaseUrl}
  User             ${user.email}, password ${user.password}
${describeProviders(stack)}
Paste these commands into another terminal, in this order. Each time they cost credits; \`--credits 500\` gives the user
more. The token is valid for a week, also after a restart. Each start prints a new one.

URL=${stack.url}
KEY=${stack.publishableKey}
TOKEN=${user.accessToken}

# The models
curl -sw '\\n' "$URL/rest/v1/models?select=id,name,category&is_available=is.true" -H "apikey: $KEY"

# Generate a video with ${model.name}. Each paste makes a new one
JOB=$(curl -sw '\\n' "$URL/functions/v1/generate-video" -H "Authorization: Bearer $TOKEN" \\
  -H "Idempotency-Key: $(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n')" -H "Content-Type: application/json" \\
  -d '{"model_id":"${model.id}","prompt":"A paper boat on a mountain lake at dawn"}' | tee /dev/stderr | \\
  sed -n 's/.*"job_id":"\\([^"]*\\)".*/\\1/p')

# Read its status. Repeat until it is "completed"
curl -sw '\\n' "$URL/functions/v1/get-video-status?job_id=\${JOB:?no job was started, see the answer above}" \\
  -H "Authorization: Bearer $TOKEN"

# Generate a transition from one image to another, with music, and read its status
TASK=$(curl -sw '\\n' "$URL/functions/v1/transitions/create-and-generate/" -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" -d '{"front_image":"https://example.com/front.jpg",
    "tail_image":"https://example.com/tail.jpg","prompt":"From day to night","duration":5,"enable_music":true}' | \\
  tee /dev/stderr | sed -n 's/.*"task_id":"\\([^"]*\\)".*/\\1/p')
curl -sw '\\n' "$URL/functions/v1/transitions/task-status/\${TASK:?no task was started, see the answer above}/" \\
  -H "Authorization: Bearer $TOKEN"
`;
}

function describeReach(url: string, host: string): string {
  const { port } = new URL(url);
  const emulator = `  Android emulator http://10.0.2.2:${port}`;
  if (host !== "0.0.0.0") return host === "127.0.0.1" ? emulator : "";
  const addresses = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses)
    .filter(({ family, internal }) => family === "IPv4" && !internal);
  return [...addresses.map(({ address }) => `  On the network   http://${address}:${port}`), emulator].join("\n");
}

function describeProviders({ falSimulator, runpodSimulator, veoSimulator, rendiSimulator }: Stack): string {
  const simulators: [name: string, variable: string, url: string | undefined][] = [
    ["fal.ai", "FAL_KEY", falSimulator?.url],
    ["RunPod", "RUNPOD_API_KEY", runpodSimulator?.baseUrl],
    ["Google Veo", "GEMINI_API_KEY", veoSimulator?.baseUrl],
    ["Rendi", "RENDI_API_KEY", rendiSimulator?.baseUrl],
  ];
  return simulators.map(([name, variable, url]) =>
    `  ${name.padEnd(16)} ${
      url === undefined ? `the real one, with ${variable}` : `simulated at ${url}; set ${variable} to call the real one`
    }\n`
  ).join("");
}
