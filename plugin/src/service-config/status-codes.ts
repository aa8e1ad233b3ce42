import type { StatusCode } from "../model.js";

/** In the order of their numbers: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
export const statusCodes: readonly StatusCode[] = [
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"],
  ...["PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"],
  ...["INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"],
].map((name, number) => ({ number, name }));
