/** Trunkline on any of its transports, with the generated code of any of its message libraries. */
import {
  type CallOptions,
  type Channel,
  dial,
  type Interceptor,
  insecure,
  Server,
  type ServiceRegistrar,
  serverTls,
  type TransportName,
  tls,
} from "@trunkline/runtime";
import type { ClientStack, ServerStack, Settings } from "./contender.js";
import { type IterableCalls, IterableClient } from "./iterable-client.js";
import { deadlineMs, metadata } from "./messages.js";
import { authority, identity, type Security } from "./security.js";

export interface Library {
  client(channel: Channel): IterableCalls<CallOptions>;
  register(server: ServiceRegistrar): void;
}

/**
 * Passes a call on: the message of a unary call unseen, as most interceptors do; of a stream every message, as those of
 * the peers do.
 */
const passOn: Interceptor = (next) => (call) => {
  const reply = next(call);
  return call.method.kind === "unary" ? reply : reply.transform(passAll);
};

async function* passAll(messages: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  for await (const message of messages) yield message;
}

const interceptorsOf = ({ interceptors }: Settings) => new Array<Interceptor>(interceptors).fill(passOn);

let connections = 0;

export function trunkline(transport: TransportName, security: Security, library: Library): ClientStack & ServerStack {
  const credentials = security === "plaintext" ? insecure() : tls({ ca: authority() });
  return {
    connect(port, settings) {
      const channel = dial(`127.0.0.1:${port}`, {
        transport,
        credentials,
        interceptors: interceptorsOf(settings),
        // Handles with equal options share a connection. One byte more or less is another connection, and no other cost.
        maxReceiveMessageBytes: 4 * 1024 * 1024 + connections++,
      });
      const options = (): CallOptions => ({ signal: new AbortController().signal, timeoutMs: deadlineMs, metadata });
      return new IterableClient<CallOptions>(library.client(channel), options, () => channel.close());
    },

    connectShort(port) {
      const channel = dial(`127.0.0.1:${port}`, { transport, credentials, connection: "short" });
      return new IterableClient<CallOptions>(
        library.client(channel),
        () => ({}),
        () => channel.close(),
      );
    },

    async serve(settings) {
      const server = new Server({ transport, interceptors: interceptorsOf(settings) });
      library.register(server);
      const shown = security === "plaintext" ? insecure() : serverTls(identity());
      return (await server.listen("127.0.0.1:0", { credentials: shown })).port;
    },
  };
}
