import { endpoint } from "../_shared/http/endpoint.ts";
import { withJobContext } from "../_shared/jobs/context.ts";
import { providerWebhook } from "./handler.ts";

export default {
  fetch: endpoint(
    // The token in the address and the signature of the provider are verified by the handler.
    { name: "provider-webhook", methods: ["POST"], auth: "none", hasPaths: true },
    withJobContext(providerWebhook),
  ),
};
