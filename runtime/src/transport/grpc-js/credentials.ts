import { type ChannelCredentials as GrpcCredentials, credentials as grpcCredentials } from "@grpc/grpc-js";
import { type ChannelCredentials, pemOf } from "../../credentials.js";
import { misuse, RpcError } from "../../error.js";

export function toGrpcCredentials(credentials: ChannelCredentials): GrpcCredentials {
  if (credentials.kind === "insecure") return grpcCredentials.createInsecure();
  const { ca, cert, key, checkServerIdentity } = credentials.options;
  try {
    return grpcCredentials.createSsl(
      ca === undefined ? null : pemOf(ca),
      key === undefined ? null : pemOf(key),
      cert === undefined ? null : pemOf(cert),
      checkServerIdentity === undefined ? {} : { checkServerIdentity },
    );
  } catch (cause) {
    const { details } = RpcError.from(cause);
    throw misuse(`tls(): ca, cert or key cannot be used: ${details}`, cause);
  }
}
