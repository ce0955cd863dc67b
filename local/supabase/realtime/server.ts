import type { UserTokens } from "../user-tokens.ts";
import { createBroadcasts } from "./broadcasts.ts";
import { createChanges } from "./changes.ts";
import { versionSchema } from "./messages.ts";
import { serveSocket } from "./socket.ts";

export interface RealtimeOptions {
  databaseUrl: string;
  publishableKey: string;
  secretKey: string;
  userTokens: UserTokens;
}

/**
 * The part of Supabase Realtime that this project uses: private channels with broadcasts from the database, and changes
 * of tables. It holds no connection until a client joins a channel.
 */
export function createRealtime(options: RealtimeOptions): (request: Request) => Response {
  const { databaseUrl, publishableKey, secretKey, userTokens } = options;
  const broadcasts = createBroadcasts(databaseUrl);
  const changes = createChanges(databaseUrl);
  const roles = new Map([[publishableKey, "anon"], [secretKey, "service_role"]]);

  return (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/realtime/v1/websocket") {
      return refuse(501, "Of Realtime, the local stack serves only /realtime/v1/websocket");
    }
    const role = roles.get(request.headers.get("apikey") ?? searchParams.get("apikey") ?? "");
    if (role === undefined) return refuse(401, "The apikey does not belong to this project");
    const version = versionSchema.safeParse(searchParams.get("vsn") ?? "1.0.0");
    if (!version.success) return refuse(400, "vsn must be 1.0.0 or 2.0.0");
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return refuse(426, "This address is for WebSockets");
    }
    const { socket, response } = Deno.upgradeWebSocket(request);
    serveSocket(socket, { version: version.data, claims: { role }, broadcasts, changes, userTokens });
    return response;
  };
}

function refuse(status: number, error: string): Response {
  return Response.json({ error }, { status });
}
