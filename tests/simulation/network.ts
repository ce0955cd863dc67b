import { type Fault, type FaultPlan, type Service } from "./faults.ts";
import { currentProcess, type Process } from "./process.ts";

/** The words of Deno for a connection that could not be made, and for one that broke. */
const NOT_CONNECTED = "error sending request: client error (Connect): tcp connect error: Connection refused";
const BROKEN = "error sending request: connection closed before message completed";

/** Every call of the functions to the outside passes here, and may meet a fault. */
export class Network {
  constructor(readonly faults: FaultPlan) {}

  /** Makes one call at the fault point of that name. */
  async call(service: Service, point: string, make: () => Promise<Response>): Promise<Response> {
    const process = currentProcess();
    if (process.dead) return await process.crash();
    return await process.during(() => this.#call(process, service, point, make));
  }

  async #call(process: Process, service: Service, point: string, make: () => Promise<Response>): Promise<Response> {
    const fault = this.faults.choose(process, service, point);
    process.trace.push(fault === null ? point : `${point} (${fault})`);
    if (fault === null) return await alive(process, await make());
    return fault.endsWith("after") ? await after(process, fault, await make()) : await before(process, fault, make);
  }
}

async function before(process: Process, fault: Fault, make: () => Promise<Response>): Promise<Response> {
  switch (fault) {
    case "crash before":
      return await process.crash();
    case "stall before":
      await process.stall();
      return await alive(process, await make());
    case "drop before":
      throw new TypeError(NOT_CONNECTED);
    case "refused":
      return Response.json({ detail: "Internal Server Error", message: "broken", code: "XX000" }, { status: 500 });
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
      return await alive(process, answer);
    case "drop after":
      throw new TypeError(BROKEN);
    default:
      return gatewayPage(process);
  }
}

/** Nothing returns to a process that died meanwhile. */
function alive(process: Process, answer: Response): Promise<Response> {
  return process.dead ? process.crash() : Promise.resolve(answer);
}

function gatewayPage({ random }: Process): Response {
  const status = random.pick([502, 504]);
  return new Response(`<html><h1>${status}</h1></html>`, { status, headers: { "content-type": "text/html" } });
}
