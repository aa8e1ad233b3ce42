/**
 * Targets such as `xds:///service`, which grpc-js knows with @grpc/grpc-js-xds only: an optional peer, since it is as
 * large as all the rest, loaded by the first such target.
 */
import { experimental } from "@grpc/grpc-js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";

const install = "npm install @grpc/grpc-js-xds@1.14";

export function isXds(target: string): boolean {
  return target.startsWith("xds:");
}

/**
 * Has grpc-js know xDS targets. The bootstrap is read here already, by the function that the peer reads it with: its
 * own report of a bootstrap that cannot be used is the TypeError that this leads to later.
 *
 * @throws RpcError FAILED_PRECONDITION that says what is missing; the next channel looks again
 */
export async function registerXds(): Promise<void> {
  const { register, loadBootstrapInfo } = await loadPeer();
  try {
    loadBootstrapInfo();
  } catch (cause) {
    throw precondition(`xDS cannot be bootstrapped: ${RpcError.from(cause).details}`, cause);
  }
  // Does nothing the second time.
  register();
  requireOneGrpcJs();
}

async function loadPeer() {
  try {
    // As it is written here bundlers take it for what may be missing.
    const [{ register }, { loadBootstrapInfo }] = await Promise.all([
      import("@grpc/grpc-js-xds"),
      import("@grpc/grpc-js-xds/build/src/xds-bootstrap.js"),
    ]);
    return { register, loadBootstrapInfo };
  } catch (cause) {
    const { details } = RpcError.from(cause);
    // The package itself, and not what it needs: that is a broken installation.
    if (/^Cannot find (package|module) '@grpc\/grpc-js-xds['/]/.test(details)) {
      throw precondition(`xds: targets need @grpc/grpc-js-xds: ${install}`, cause);
    }
    throw precondition(`xds: targets need @grpc/grpc-js-xds, which cannot be loaded: ${details}`, cause);
  }
}

/** A peer that was installed with a grpc-js of its own has told that one, and not this. */
function requireOneGrpcJs(): void {
  try {
    experimental.createResolver({ scheme: "xds", path: "" }, () => true, {});
  } catch (cause) {
    throw precondition(
      "xds: targets need one copy of @grpc/grpc-js, and @grpc/grpc-js-xds has another than @trunkline/runtime: " +
        "npm ls @grpc/grpc-js shows both",
      cause,
    );
  }
}

function precondition(details: string, cause: unknown): RpcError {
  return new RpcError(Code.FAILED_PRECONDITION, details, { cause });
}
