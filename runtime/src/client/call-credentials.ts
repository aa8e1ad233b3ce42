import type { Connection } from "../connection/connection.js";
import type { Interceptor, MethodDesc } from "../contract.js";
import type { CallCredentials } from "../credentials.js";
import { RpcError } from "../error.js";
import { Metadata } from "../metadata.js";
import { Code } from "../status.js";

/** Puts what identifies the caller into the metadata of each call, innermost, so that it is never made in vain. */
export function callCredentialsInterceptor(credentials: CallCredentials, connection: Connection): Interceptor {
  return (next) => async (call) => {
    await identify(call.method, call.metadata, credentials, connection);
    return next(call);
  };
}

/** Puts what identifies the caller into the metadata of a call. Never for a connection that is, or may be, plaintext. */
export async function identify(
  method: MethodDesc,
  metadata: Metadata,
  credentials: CallCredentials,
  connection: Connection,
): Promise<void> {
  if (!(await connection.isSecure())) {
    throw new RpcError(
      Code.UNAUTHENTICATED,
      `call credentials need TLS, and the connection to ${connection.settings.target} is (or may be) plaintext: dial it with tls()`,
    );
  }
  const service = method.path.slice(0, method.path.lastIndexOf("/"));
  const serviceUrl = `https://${connection.settings.authority}${service}`;
  const identity = Metadata.from(await credentials({ method, serviceUrl }));
  // A call's own credentials stand in for the channel's: two values of authorization would identify nobody.
  for (const [key] of identity) metadata.delete(key);
  metadata.merge(identity);
}
