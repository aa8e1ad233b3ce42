import type { Connection } from "../connection/connection.js";
import type { Interceptor } from "../contract.js";
import type { CallCredentials } from "../credentials.js";
import { RpcError } from "../error.js";
import { Metadata } from "../metadata.js";
import { Code } from "../status.js";

/** Puts what identifies the caller into the metadata of each call, innermost, so that it is never made in vain. */
export function callCredentialsInterceptor(credentials: CallCredentials, connection: Connection): Interceptor {
  return (next) => async (call) => {
    if (!(await connection.isSecure())) {
      throw new RpcError(
        Code.UNAUTHENTICATED,
        `call credentials need TLS, and the connection to ${connection.settings.target} is (or may be) plaintext: dial it with tls()`,
      );
    }
    const service = call.method.path.slice(0, call.method.path.lastIndexOf("/"));
    const serviceUrl = `https://${connection.settings.authority}${service}`;
    const identity = Metadata.from(await credentials({ method: call.method, serviceUrl }));
    // A call's own credentials stand in for the channel's: two values of authorization would identify nobody.
    for (const [key] of identity) call.metadata.delete(key);
    call.metadata.merge(identity);
    return next(call);
  };
}
