import type { ServerCall } from "../contract.js";
import { describe, RpcError } from "../error.js";
import { Code } from "../status.js";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthListRequest,
  type HealthListResponse,
  type HealthServer,
  HealthCheckResponse_ServingStatus as Wire,
} from "./generated.js";
import type { Health } from "./health.js";

/** As health.proto has it; a longer list is an error. */
const longestList = 100;

/** Answers with what {@link Health} knows. */
export class HealthService implements HealthServer {
  readonly #health: Health;

  constructor(health: Health) {
    this.#health = health;
  }

  check({ service }: HealthCheckRequest): HealthCheckResponse {
    const status = this.#health.get(service);
    if (status === undefined) throw new RpcError(Code.NOT_FOUND, `there is no service ${describe(service)} here`);
    return { status: Wire[status] };
  }

  list(_: HealthListRequest): HealthListResponse {
    const { names } = this.#health;
    if (names.size > longestList) {
      const details = `there are ${names.size} services here, and a list may have ${longestList}: check them one by one`;
      throw new RpcError(Code.RESOURCE_EXHAUSTED, details);
    }
    return { statuses: Object.fromEntries(Array.from(names, (service) => [service, this.check({ service })])) };
  }

  /**
   * The status now, and whatever else it is when the watcher takes the next message: a slow one misses what came
   * between, and nothing is kept for it.
   */
  async *watch({ service }: HealthCheckRequest, call: ServerCall): AsyncGenerator<HealthCheckResponse, void> {
    const { signal } = call;
    let wake = () => {};
    let over = false;
    const onChange = () => wake();
    const stopWatching = this.#health.watch(service, onChange);
    // Aborted also when the server wants streams to end, while this call still can be answered.
    signal.addEventListener("abort", onChange);
    call.onEnd(() => {
      over = true;
      wake();
    });
    try {
      for (let told: number | undefined; !over; ) {
        const status = Wire[this.#health.get(service) ?? "SERVICE_UNKNOWN"];
        if (status !== told) {
          told = status;
          yield { status };
          continue;
        }
        // Not before the watcher knows that it is NOT_SERVING now.
        if (signal.aborted) throw signal.reason;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      stopWatching();
      signal.removeEventListener("abort", onChange);
    }
  }
}
