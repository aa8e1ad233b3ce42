import { type ChannelCredentials as GrpcCredentials, credentials as grpcCredentials } from "@grpc/grpc-js";
import type { ChannelCredentials, Pem } from "../../credentials.js";
import { misuse, RpcError } from "../../error.js";
import { asBuffer } from "../../method.js";

export function toGrpcCredentials(credentials: ChannelCredentials): GrpcCredentials {
  if (credentials.kind === "insecure") return grpcCredentials.createInsecure();
  const { ca, cert, key, checkServerIdentity } = credentials.options;
  try {
    return grpcCredentials.createSsl(
      ca === undefined ? null : pem(ca),
      key === undefined ? null : pem(key),
      cert === undefined ? null : pem(cert),
      checkServerIdentity === undefined ? {} : { checkServerIdentity },
    );
  } catch (cause) {
    const { details } = RpcError.from(cause);
    throw misuse(`tls(): ca, cert or key cannot be used: ${details}`, cause);
  }
}

/** Bytes, as grpc-js wants them. */
export function pem(value: Pem): Buffer {
  return typeof value === "string" ? Buffer.from(value) : asBuffer(value);
}
