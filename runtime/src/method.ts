import type {
  BidiStreamMethod,
  ClientStreamMethod,
  Codec,
  Handler,
  Idempotency,
  MethodDefaults,
  MethodDesc,
  MethodEntry,
  MethodKind,
  ServerStreamMethod,
  ServiceDesc,
  UnaryMethod,
} from "./contract.js";
import { RpcError } from "./error.js";
import { Code } from "./status.js";

/** What a generated table says of a method; its kind is in the name of the function that takes it. */
export interface MethodInit<Impl, ReqIn, Req, ResIn, Res> {
  readonly name: string;
  readonly path: string;
  readonly request: Codec<ReqIn, Req>;
  readonly response: Codec<ResIn, Res>;
  readonly idempotency: Idempotency;
  readonly defaults: MethodDefaults;
  readonly handler: Handler<Impl>;
}

class Entry<Kind extends MethodKind, Impl, ReqIn, Req, ResIn, Res>
  implements MethodEntry<Kind, Impl, ReqIn, Req, ResIn, Res>
{
  readonly kind: Kind;
  readonly #name: string;
  readonly path: string;
  readonly request: Codec<ReqIn, Req>;
  readonly response: Codec<ResIn, Res>;
  readonly idempotency: Idempotency;
  readonly defaults: MethodDefaults;
  readonly handler: Handler<Impl>;

  constructor(kind: Kind, init: MethodInit<Impl, ReqIn, Req, ResIn, Res>) {
    this.kind = kind;
    this.#name = init.name;
    this.path = init.path;
    this.request = init.request;
    this.response = init.response;
    this.idempotency = init.idempotency;
    this.defaults = init.defaults;
    this.handler = init.handler;
  }

  /** No property of its own: makeClientConstructor of grpc-js copies those to functions, whose name is read-only. */
  get name(): string {
    return this.#name;
  }

  // What grpc-js reads of a MethodDefinition, made when it does.
  get requestStream(): boolean {
    return this.kind === "clientStream" || this.kind === "bidiStream";
  }
  get responseStream(): boolean {
    return this.kind === "serverStream" || this.kind === "bidiStream";
  }
  get requestSerialize(): (message: ReqIn) => Buffer {
    return (message) => asBuffer(this.request.encode(message));
  }
  get requestDeserialize(): (bytes: Buffer) => Req {
    return (bytes) => this.request.decode(bytes);
  }
  get responseSerialize(): (message: ResIn) => Buffer {
    return (message) => asBuffer(this.response.encode(message));
  }
  get responseDeserialize(): (bytes: Buffer) => Res {
    return (bytes) => this.response.decode(bytes);
  }
}

/** The same bytes, as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function unaryMethod<Impl, ReqIn, Req, ResIn, Res>(
  init: MethodInit<Impl, ReqIn, Req, ResIn, Res>,
): UnaryMethod<Impl, ReqIn, Req, ResIn, Res> {
  return new Entry("unary", init);
}

export function serverStreamMethod<Impl, ReqIn, Req, ResIn, Res>(
  init: MethodInit<Impl, ReqIn, Req, ResIn, Res>,
): ServerStreamMethod<Impl, ReqIn, Req, ResIn, Res> {
  return new Entry("serverStream", init);
}

export function clientStreamMethod<Impl, ReqIn, Req, ResIn, Res>(
  init: MethodInit<Impl, ReqIn, Req, ResIn, Res>,
): ClientStreamMethod<Impl, ReqIn, Req, ResIn, Res> {
  return new Entry("clientStream", init);
}

export function bidiStreamMethod<Impl, ReqIn, Req, ResIn, Res>(
  init: MethodInit<Impl, ReqIn, Req, ResIn, Res>,
): BidiStreamMethod<Impl, ReqIn, Req, ResIn, Res> {
  return new Entry("bidiStream", init);
}

/** What an `Unimplemented…Server` throws. */
export function unimplemented(method: MethodDesc): RpcError {
  return new RpcError(Code.UNIMPLEMENTED, `${method.path} is not implemented`);
}

/** The handler of entries that were generated with `server=off`. A server refuses to register them. */
export function notServed(): never {
  throw new RpcError(Code.UNIMPLEMENTED, "this table is for clients alone: generate it with server=on");
}

/** Puts what the plugin was told to embed into a table: options of the service, and of its methods by their local names. */
export function embedOptions<Table extends ServiceDesc>(
  table: Table,
  options: string,
  methods: { readonly [localName in keyof Table["methods"]]: string },
): Table & Required<Pick<ServiceDesc, "options">> {
  for (const [name, method] of Object.entries(table.methods)) Object.assign(method, { options: methods[name] });
  return Object.assign(table, { options });
}

/** The version of what generated code expects of this package. */
const contractVersion = 1;

/**
 * The first statement of every generated file: newer output asks an older runtime for a number that it does not know,
 * which tsc rejects and which throws here.
 */
export function requireContract(version: typeof contractVersion): void {
  if (version === contractVersion) return;
  throw new RpcError(
    Code.FAILED_PRECONDITION,
    `this generated code needs contract ${version} and @trunkline/runtime here has ${contractVersion}: ` +
      "update @trunkline/runtime, or generate again with the @trunkline/protoc-gen-ts of its version",
  );
}
