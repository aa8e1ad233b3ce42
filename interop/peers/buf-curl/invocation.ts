/** A call by a process of buf curl: requests go to its stdin, responses come from its stdout, all else from its stderr. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import {
  create,
  type DescMessage,
  type DescMethod,
  fromJson,
  type MessageInitShape,
  type MessageShape,
  toJsonString,
} from "@bufbuild/protobuf";
import { type Code, type MessageSource, RpcError } from "@trunkline/runtime";
import type { CallOptions, ReceivedMetadata } from "../../service.js";

const buf = createRequire(import.meta.url).resolve("@bufbuild/buf/bin/buf");
const schema = fileURLToPath(new URL("../../proto", import.meta.url));

/** Milliseconds that `--timeout` has more than the call: it counts from the start of the process, which compiles the schema. */
const startMs = 5_000;

export interface Target {
  /** `http://127.0.0.1:50051` */
  readonly url: string;
  readonly flags: readonly string[];
}

type Method<I extends DescMessage, O extends DescMessage> = DescMethod & { readonly input: I; readonly output: O };

/** Begins the call at once. Fails with an RpcError of the status that buf curl says. */
export function invoke<I extends DescMessage, O extends DescMessage>(
  { url, flags }: Target,
  { input, output, parent, name }: Method<I, O>,
  requests: MessageSource<MessageInitShape<I>>,
  options: CallOptions = {},
): AsyncIterable<MessageShape<O>> {
  const common = ["--protocol", "grpc", "--http2-prior-knowledge", "--schema", schema, "--verbose", "--data", "@-"];
  const args = [...common, ...flags, ...flagsOf(options), `${url}/${parent.typeName}/${name}`];
  const child = spawn(process.execPath, [buf, "curl", ...args], { stdio: "pipe" });
  const ended = once(child, "close") as Promise<[code: number]>;
  // Where the call ends first, it takes no more; its status says why.
  pipeline(linesOf(input, requests), child.stdin).catch(() => {});
  // buf curl reads on when its call is over, and would wait for ever.
  const said = listen(child.stderr, () => child.stdin.destroy());
  return (async function* () {
    try {
      for await (const document of documentsOf(child.stdout)) yield fromJson(output, JSON.parse(document));
      const [code] = await ended;
      const { headers, trailers, text } = await said;
      options.onHeaders?.(headers);
      options.onTrailers?.(trailers);
      if (code !== 0) throw errorOf(code, text);
    } finally {
      child.stdin.destroy();
      await ended;
    }
  })();
}

function flagsOf({ timeoutMs, metadata, credentials }: CallOptions): string[] {
  // Credentials are headers like others here.
  const headers = Object.entries({ ...metadata, ...credentials?.() }).flatMap(([key, value]) => {
    const text = typeof value === "string" ? value : Buffer.from(value).toString("base64");
    return ["--header", `${key}: ${text}`];
  });
  return timeoutMs === undefined ? headers : [...headers, "--timeout", `${startMs + timeoutMs}ms`];
}

async function* linesOf<I extends DescMessage>(schema: I, requests: MessageSource<MessageInitShape<I>>) {
  for await (const request of requests) yield `${toJsonString(schema, create(schema, request))}\n`;
}

/** Each begins with a line of one brace and ends with another. */
async function* documentsOf(stdout: Readable): AsyncGenerator<string> {
  let document = "";
  for await (const line of createInterface({ input: stdout })) {
    document += line;
    if (line !== "}" && line !== "{}") continue;
    yield document;
    document = "";
  }
}

interface Said {
  readonly headers: ReceivedMetadata;
  readonly trailers: ReceivedMetadata;
  /** Of the error, if there was one. */
  readonly text: string;
}

/**
 * Reads what `--verbose` tells: `buf: < (#1) Name: value` for a header; after an empty one of these, and another, for a
 * trailer.
 */
async function listen(stderr: Readable, onUploaded: () => void): Promise<Said> {
  const headers = new Map<string, string>();
  const trailers = new Map<string, string>();
  let received = headers;
  let text = "";
  for await (const line of createInterface({ input: stderr })) {
    if (!line.startsWith("buf: ")) text += line;
    const [, mark, said] = /^buf: ([*<]) \(#1\) ?(.*)$/.exec(line) ?? [];
    if (mark === "*" && said === "Finished upload") onUploaded();
    if (mark !== "<") continue;
    const [, key, value] = /^([^: ]+): (.*)$/.exec(said!) ?? [];
    if (key !== undefined) received.set(key.toLowerCase(), value!);
    else if (said === "") received = trailers;
  }
  return { headers: metadataOf(headers), trailers: metadataOf(trailers), text };
}

function metadataOf(values: ReadonlyMap<string, string>): ReceivedMetadata {
  return {
    get(key) {
      const value = values.get(key);
      return value !== undefined && key.endsWith("-bin") ? new Uint8Array(Buffer.from(value, "base64")) : value;
    },
  };
}

/** An exit code of 8 and more is a status; its message is in a document. */
function errorOf(exitCode: number, text: string): Error {
  if (exitCode < 8) return new Error(`buf curl ended with ${exitCode}: ${text}`);
  const { message = "" } = JSON.parse(text) as { readonly message?: string };
  return new RpcError((exitCode >> 3) as Code, message);
}
