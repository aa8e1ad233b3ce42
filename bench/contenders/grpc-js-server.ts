/** A server as one writes it on @grpc/grpc-js by hand, with the service definition of ts-proto. */
import { Server, ServerCredentials, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import { type BenchServiceServer, BenchServiceService, type Chunk } from "../gen/ts-proto-grpc-js/bench.js";
import type { ServerStack } from "./contender.js";
import { writeAll } from "./grpc-js-client.js";
import { chunk, small } from "./messages.js";
import { identity, type Security } from "./security.js";

const service: BenchServiceServer = {
  echoSmall: (call, callback) => callback(null, call.request),
  echoOrder: (call, callback) => callback(null, call.request),
  download: (call) => writeAll(call, small, call.request.count),
  downloadChunks: (call) => writeAll(call, chunk as Chunk, call.request.count),
  upload(call, callback) {
    let count = 0;
    call.on("data", () => {
      count++;
    });
    call.on("end", () => callback(null, { count }));
  },
  uploadChunks(call, callback) {
    let count = 0;
    call.on("data", () => {
      count++;
    });
    call.on("end", () => callback(null, { count }));
  },
  pingPong(call) {
    call.on("error", () => {}); // A client that goes away is the end of its call, no more.
    call.on("data", (message) => call.write(message));
    call.on("end", () => call.end());
  },
};

const passOn: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, next) => next(metadata),
        onReceiveMessage: (message, next) => next(message),
        onReceiveHalfClose: (next) => next(),
      }),
    sendMetadata: (metadata, next) => next(metadata),
    sendMessage: (message, next) => next(message),
    sendStatus: (status, next) => next(status),
  });

function credentialsOf(security: Security): ServerCredentials {
  if (security === "plaintext") return ServerCredentials.createInsecure();
  const { cert, key } = identity();
  return ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }]);
}

export const grpcJsServer = (security: Security): ServerStack => ({
  serve: ({ interceptors }) => {
    const server = new Server({ interceptors: new Array<ServerInterceptor>(interceptors).fill(passOn) });
    server.addService(BenchServiceService, service);
    return new Promise((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", credentialsOf(security), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  },
});
