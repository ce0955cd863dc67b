import { adminClient } from "../_shared/database/client.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { readEnvironment } from "../_shared/runtime/environment.ts";
import { createShare } from "./handler.ts";

export default {
  fetch: endpoint(
    // The token in the address is the permission.
    { name: "share", methods: ["GET"], auth: "none", hasPaths: true },
    createShare(() => ({ client: adminClient(), environment: readEnvironment() })),
  ),
};
