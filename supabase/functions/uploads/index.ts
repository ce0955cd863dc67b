import { dependencies } from "../_shared/dependencies.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { uploads } from "./handler.ts";

const real = dependencies();

export default {
  fetch: endpoint(
    { name: "uploads", methods: ["POST"], auth: "user" },
    (request, call) => uploads(real, request, call),
  ),
};
