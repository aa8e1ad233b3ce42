/** What a call ends with whose answer has no status of gRPC: that of a proxy, or of a server that speaks something else. */
import { Metadata } from "../metadata.js";
import { Code, type Status } from "../status.js";

/** PROTOCOL-HTTP2, Content-Type. */
export function isGrpcContent(contentType: string | undefined): boolean {
  return contentType?.startsWith("application/grpc") === true;
}

/** The HTTP to gRPC Status Code Mapping document: only for an answer that has no `grpc-status`. */
export function codeOfHttpStatus(status: number): Code {
  switch (status) {
    case 400:
    case 431:
      return Code.INTERNAL;
    case 401:
      return Code.UNAUTHENTICATED;
    case 403:
      return Code.PERMISSION_DENIED;
    case 404:
      return Code.UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
      return Code.UNAVAILABLE;
    default:
      return Code.UNKNOWN;
  }
}

/**
 * @param httpStatus as it came
 * @param metadata its header fields: where a redirect points, say, or who has answered
 */
export function statusOfHttp(
  httpStatus: string,
  contentType: string | undefined,
  metadata: Metadata = new Metadata(),
): Status {
  if (httpStatus === "200" && isGrpcContent(contentType)) {
    return { code: Code.UNKNOWN, details: "the server ended the call without a status", metadata };
  }
  const code = codeOfHttpStatus(Number(httpStatus));
  const kind = contentType === undefined ? "" : ` with ${contentType.slice(0, 100)}`;
  return { code, details: `the answer is not gRPC: HTTP status ${httpStatus}${kind}; ${adviceOn(code)}`, metadata };
}

function adviceOn(code: Code): string {
  switch (code) {
    case Code.UNAVAILABLE:
      return "a proxy on the way does not reach the server, or takes no more calls";
    case Code.UNAUTHENTICATED:
    case Code.PERMISSION_DENIED:
      return "a proxy on the way wants other credentials";
    default:
      return "check that the target is a gRPC server, and that proxies on the way pass on HTTP/2 and its trailers";
  }
}
