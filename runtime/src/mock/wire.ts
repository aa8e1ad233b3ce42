import { ClientChannel } from "../client/client-channel.js";
import { Connection } from "../connection/connection.js";
import { openChannel } from "../connection/open-channel.js";
import { readSettings } from "../connection/settings.js";
import type { Channel, ServerCall, ServiceDesc, Transport } from "../contract.js";
import { tls } from "../credentials.js";
import { misuse } from "../error.js";
import { Server } from "../server/server.js";
import { servers } from "../server/servers.js";
import { InProcessChannel } from "../transport/in-process/channel.js";
import { Endpoint } from "../transport/in-process/endpoint.js";
import type { Turns } from "../turns.js";

/** No limit: what a server would take is not known here. */
const maxReceiveMessageBytes = Number.MAX_SAFE_INTEGER;

/** What answers the calls of a method. */
export interface CallHandler {
  handle(received: unknown, call: ServerCall): unknown;
}

/**
 * A channel to a server of the mock's own, which answers the calls of each method as its handler does.
 *
 * Nobody else finds either: they are in no registry of connections, and among no servers that a process shows. Each call
 * has a connection of its own, which ends with it, so that between calls there is nothing but memory.
 *
 * @param turns in which the handlers run
 */
export function openWire(desc: ServiceDesc, handlerOf: (name: string) => CallHandler, turns: Turns): Channel {
  const server = new Server({ maxReceiveMessageBytes, maxMetadataBytes: Number.POSITIVE_INFINITY });
  const names = Object.keys(desc.methods);
  const impl = Object.fromEntries(
    names.map((name) => [name, (received: unknown, call: ServerCall) => handlerOf(name).handle(received, call)]),
  );
  server.register(ownTable(desc), impl);
  const endpoint = server.attach((dispatcher, serve) => {
    const attached = { address: "mock", port: 0, credentials: undefined, onClose: () => {} };
    return new Endpoint({ ...attached, dispatcher, serve }, turns);
  });
  servers.delete(server);
  const transport: Transport = {
    name: "mock",
    isLocal: true,
    connect: (options, observer) => new InProcessChannel(() => endpoint, options, observer),
    serve() {
      throw misuse('a mock is a client: a server without sockets is new Server({ transport: "in-process" })');
    },
  };
  const settings = readSettings("mock", {
    transport,
    connection: "short",
    // Nothing leaves the process: calls with credentials may be made.
    credentials: tls(),
    maxReceiveMessageBytes,
  });
  const connection = new Connection(settings, openChannel);
  // A call that is told to fail fails, whatever the table says of trying again.
  return new ClientChannel(connection, { retry: false });
}

type Implementation = { readonly [name: string]: (received: unknown, call: ServerCall) => unknown };

/** The table with handlers of its own: those of a table for clients alone serve nobody. */
function ownTable(desc: ServiceDesc): ServiceDesc<Implementation> {
  const { serviceName, fileName } = desc;
  const entries = Object.entries(desc.methods).map(([localName, method]) => {
    const { name, path, kind, request, response, idempotency, defaults } = method;
    const handler = (impl: Implementation, received: unknown, call: ServerCall) => impl[localName]!(received, call);
    return [localName, { name, path, kind, request, response, idempotency, defaults, handler }] as const;
  });
  return { serviceName, fileName, methods: Object.fromEntries(entries) };
}
