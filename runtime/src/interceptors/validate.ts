/** `validate`: no message that breaks the rules gets through. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Interceptor, MessageSource, MethodDesc } from "../contract.js";
import { describe, misuse, RpcError } from "../error.js";
import { Code } from "../status.js";
import { steppedMessages } from "../stepped-messages.js";

/** What is wrong with a message. */
export interface Violation {
  /** The field, as `address.street[2].name`; empty for the message as a whole. */
  readonly field: string;
  /** Why its value is bad. */
  readonly description: string;
}

/** What is known of a message besides itself. */
export interface Checked {
  readonly method: MethodDesc;
  readonly direction: "request" | "response";
  /** Full protobuf name: `package.Message`. */
  readonly typeName: string;
}

/** What a check says: nothing, an empty list or true where all is well. It may also throw. */
export type Verdict = undefined | true | string | readonly Violation[];

/** Looks at a message. At a client, requests are as the caller passed them: perhaps partial. */
// biome-ignore lint/suspicious/noConfusingVoidType: a check that only throws returns nothing.
export type Check = (message: unknown, about: Checked) => Verdict | void | Promise<Verdict | void>;

export interface ValidateOptions {
  /** Checks responses too. Default false. */
  readonly responses?: boolean | undefined;
}

/**
 * Checks every request, and each one of a stream, on either side. A bad request ends its call with INVALID_ARGUMENT and
 * a `google.rpc.BadRequest` among the `statusDetails`: where a method has one, before anything inside of this runs; in a
 * stream, when it is read: thrown at the server's handler, which may give another answer. A bad response is the fault of
 * a server, and ends the call with INTERNAL. Of many violations, those are told that trailers have room for.
 *
 * An {@link RpcError} that `check` throws is the answer; what else it throws fails the call as if a handler threw it.
 */
export function validate(check: Check, options: ValidateOptions = {}): Interceptor {
  if (typeof check !== "function") {
    throw misuse(`validate(): check must be a function, not ${describe(check)}`);
  }
  return (next) => async (call) => {
    const { method, requests } = call;
    const request: Checked = { method, direction: "request", typeName: method.request.typeName };
    if (requests !== undefined) call.requests = examined(check, requests, request);
    else if (method.kind === "unary" || method.kind === "serverStream") await examine(check, call.request, request);
    const reply = next(call);
    if (options.responses !== true) return reply;
    const response: Checked = { method, direction: "response", typeName: method.response.typeName };
    return reply.map(async (message) => {
      await examine(check, message, response);
      return message;
    });
  };
}

function examined(check: Check, messages: MessageSource<unknown>, about: Checked): AsyncIterable<unknown> {
  return steppedMessages(messages, async (next) => {
    const result = await next();
    if (result.done !== true) await examine(check, result.value, about);
    return result;
  });
}

async function examine(check: Check, message: unknown, about: Checked): Promise<void> {
  const verdict = await check(message, about);
  if (verdict === undefined || verdict === true || verdict === null) return;
  const violations = typeof verdict === "string" ? [{ field: "", description: verdict }] : verdict;
  if (!Array.isArray(violations)) {
    const was = describe(verdict);
    throw new RpcError(Code.INTERNAL, `validate(): check must return undefined, a text or violations, not ${was}`);
  }
  if (violations.length > 0) throw refusal(violations, about);
}

function refusal(violations: readonly Violation[], { direction, typeName }: Checked): RpcError {
  const told = fitting(violations);
  const text = told.map(({ field, description }) => (field === "" ? description : `${field}: ${description}`));
  if (told.length < violations.length) text.push(`and ${violations.length - told.length} more`);
  const details = `${typeName} is not valid: ${text.join("; ")}`;
  if (direction === "response") return new RpcError(Code.INTERNAL, details);
  const typeUrl = "type.googleapis.com/google.rpc.BadRequest";
  const statusDetails = [{ typeUrl, value: encodeBadRequest(told) }];
  return new RpcError(Code.INVALID_ARGUMENT, details, { statusDetails });
}

/**
 * Bytes of what violations say. They travel three times: in the status text, and in `grpc-status-details-bin`, which
 * repeats the text, in base64. Peers take 8 KiB of headers (PROTOCOL-HTTP2); a hundred times that, and a server of Node.js
 * sends nothing more on the connection.
 */
const mostBytes = 1024;

/** The first violations, as many as there is room for, and one at least. */
function fitting(violations: readonly Violation[]): Violation[] {
  const told: Violation[] = [];
  let room = mostBytes;
  for (const { field, description } of violations) {
    room -= Buffer.byteLength(field) + Buffer.byteLength(description);
    if (room < 0) break;
    told.push({ field, description });
  }
  const [first] = violations;
  if (told.length > 0 || first === undefined) return told;
  return [{ field: clip(first.field), description: clip(first.description) }];
}

/** At most three bytes a character are left of a text that is too long. */
function clip(text: string): string {
  const most = mostBytes / 8;
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** google.rpc.BadRequest (google/rpc/error_details.proto), which is two fields in one. */
function encodeBadRequest(violations: readonly Violation[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const { field, description } of violations) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(field);
    writer.tag(2, WireType.LengthDelimited).string(description);
    writer.join();
  }
  return writer.finish();
}
