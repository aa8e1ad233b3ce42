import type {
  Bound,
  Dispatcher,
  ServeOptions,
  ServerCapabilities,
  ServerTransport,
  Transport,
} from "../../contract.js";
import type { ServerCredentials } from "../../credentials.js";
import { misuse } from "../../error.js";
import { endpointAt, freePlace, occupy, placesOf, vacate } from "./addresses.js";
import { InProcessChannel } from "./channel.js";
import { Endpoint } from "./endpoint.js";

/** Without sockets, between a client and a server of one isolate: addresses are names that only this isolate knows. */
export const inProcessTransport: Transport = {
  name: "in-process",
  isLocal: true,
  tellsProgress: true,
  connect(options, observer) {
    const { target, loadBalancing } = options;
    if (placesOf(target).length > 1 && loadBalancing !== "pick_first") {
      throw misuse(`loadBalancing: the transport in-process has pick_first for several addresses, as ${target} has`);
    }
    return new InProcessChannel(() => endpointAt(target), options, observer);
  },
  serve: (options) => new InProcessServer(options),
};

class InProcessServer implements ServerTransport {
  readonly capabilities: ServerCapabilities = { keepaliveEnforcement: false, compression: true };
  readonly #options: ServeOptions;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  async listen(address: string, credentials: ServerCredentials, dispatcher: Dispatcher): Promise<Bound> {
    const kind = await spokenKind(credentials);
    const place = freePlace(address);
    const endpoint = new Endpoint({
      address: place.address,
      port: place.port,
      credentials: kind,
      dispatcher,
      serve: this.#options,
      onClose: () => vacate(place),
    });
    occupy(place, endpoint);
    return endpoint;
  }
}

/**
 * What clients must have been dialled with. Nothing leaves the process, so nothing is encrypted and no certificate is
 * looked at: TLS at both ends meets, as plaintext does. Clients cannot show who they are.
 */
async function spokenKind(credentials: ServerCredentials): Promise<"insecure" | "tls"> {
  if (credentials.kind === "insecure") return "insecure";
  const { clientCa, requireClientCertificate } = await credentials.source();
  if (clientCa === undefined && requireClientCertificate !== true) return "tls";
  throw misuse("serverTls(): clientCa: the transport in-process knows no certificates of clients; leave it out there");
}
