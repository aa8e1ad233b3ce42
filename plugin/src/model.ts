/** What we generate from: the few facts of a descriptor that a service file shows. Made by read-model.ts. */

export interface FileModel {
  /** `demo/v1/greeter.proto` */
  readonly name: string;
  /** `demo.v1`, or empty. */
  readonly package: string;
  readonly deprecated: boolean;
  /** Comments above the `syntax` or `edition` line: licence texts, file overviews. */
  readonly doc: Doc;
  readonly services: readonly ServiceModel[];
  /**
   * With `descriptors=embed`: this file and all that it imports, each after its own imports, without comments; an encoded
   * FileDescriptorSet.
   */
  readonly descriptorSet?: Uint8Array;
}

export interface ServiceModel {
  /** `Greeter` */
  readonly name: string;
  /** `demo.v1.Greeter` */
  readonly typeName: string;
  readonly doc: Doc;
  readonly deprecated: boolean;
  /** With `options=embed`: an encoded ServiceOptions. */
  readonly options?: Uint8Array;
  readonly methods: readonly MethodModel[];
}

export interface MethodModel {
  /** `SayHello` */
  readonly name: string;
  readonly kind: "unary" | "serverStream" | "clientStream" | "bidiStream";
  readonly request: MessageRef;
  readonly response: MessageRef;
  readonly idempotency: "unknown" | "noSideEffects" | "idempotent";
  /** What a service config says of it, where there is one. */
  readonly defaults?: MethodDefaults;
  /** With `options=embed`: an encoded MethodOptions. */
  readonly options?: Uint8Array;
  readonly doc: Doc;
  readonly deprecated: boolean;
}

/** What an entry of a table sets for its calls, in the names and units of the runtime's `MethodDefaults`. */
export interface MethodDefaults {
  readonly timeoutMs?: number;
  readonly retry?: AttemptPolicy;
}

export type AttemptPolicy = RetryPolicy | HedgingPolicy;

export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffMultiplier: number;
  readonly codes: readonly StatusCode[];
}

export interface HedgingPolicy {
  readonly maxAttempts: number;
  readonly hedgingDelayMs: number;
  readonly nonFatalCodes: readonly StatusCode[];
}

export interface StatusCode {
  /** 14 */
  readonly number: number;
  /** `UNAVAILABLE` */
  readonly name: string;
}

/** Points at a message wherever it is declared. */
export interface MessageRef {
  /** `demo.v1.Outer.Inner` */
  readonly typeName: string;
  /** The proto file that declares it. */
  readonly file: string;
  /** That file's package. */
  readonly package: string;
}

/** A comment of the proto, as it stands there; escaped by the printer. */
export interface Doc {
  readonly detached: readonly string[];
  readonly leading: string;
  readonly trailing: string;
}
