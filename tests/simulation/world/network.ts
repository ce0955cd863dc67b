import { type Fault, type FaultPlan, type Service } from "../faults/call-faults.ts";
import { currentProcess, type Process } from "../runtime/process.ts";

/** Deno's messages for a connection that failed, and for one that broke. */
const NOT_CONNECTED = "error sending request: client error (Connect): tcp connect error: Connection refused";
const BROKEN = "error sending request: connection closed before message completed";

const SHARED = "provider keys";

/** Every call of the functions to a service passes here, and may meet a fault. */
export class Network {
  constructor(readonly faults: FaultPlan) {}

  /** Makes a call, or a fault, at the fault point of that name. */
  async call(service: Service, point: string, make: () => Promise<Response>): Promise<Response> {
    const process = currentProcess();
    // All processes share the fetched keys, so a crash or stall here would stop the others too.
    if (point === SHARED) return await withoutDeath(this.faults.choose(process, service, point), make);
    return await process.during(() => process.dead ? process.crash() : this.#call(process, service, point, make));
  }

  async #call(process: Process, service: Service, point: string, make: () => Promise<Response>): Promise<Response> {
    const fault = this.faults.choose(process, service, point);
    process.trace.push(fault === null ? point : `${point} (${fault})`);
    try {
      if (fault === null) return await make();
      return fault.endsWith("after")
        ? await after(process, fault, await make())
        : await before(process, service, fault, make);
    } finally {
      // A process that died meanwhile gets no answer and no error.
      if (process.dead) await process.crash();
    }
  }
}

async function withoutDeath(fault: Fault | null, make: () => Promise<Response>): Promise<Response> {
  if (fault !== null) throw new TypeError(NOT_CONNECTED);
  return await make();
}

async function before(
  process: Process,
  service: Service,
  fault: Fault,
  make: () => Promise<Response>,
): Promise<Response> {
  switch (fault) {
    case "crash before":
      return await process.crash();
    case "stall before":
      await process.stall();
      return await make();
    case "drop before":
      throw new TypeError(NOT_CONNECTED);
    case "refused":
      return refusal(service);
    default:
      return gatewayPage(process);
  }
}

async function after(process: Process, fault: Fault, answer: Response): Promise<Response> {
  switch (fault) {
    case "crash after":
      return await process.crash();
    case "stall after":
      await process.stall();
      return answer;
    case "drop after":
      throw new TypeError(BROKEN);
    default:
      return gatewayPage(process);
  }
}

/** The answer of a broken server. From fal it is no JSON with a text: that would be the failure of a run. */
function refusal(service: Service): Response {
  return service === "provider"
    ? new Response("Internal Server Error", { status: 500 })
    : Response.json({ message: "broken", code: "XX000" }, { status: 500 });
}

function gatewayPage({ random }: Process): Response {
  const status = random.pick([502, 504]);
  return new Response(`<html><h1>${status}</h1></html>`, { status, headers: { "content-type": "text/html" } });
}
