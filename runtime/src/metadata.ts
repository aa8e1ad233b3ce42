import { misuse } from "./error.js";

export type MetadataValue = string | Uint8Array;

/** What may be given where metadata is wanted: an instance, or an object of values by key. */
export type MetadataInit = Metadata | { readonly [key: string]: MetadataValue | readonly MetadataValue[] | undefined };

/** What came off the wire. Calls that have received the same may share it. */
export interface ReceivedPairs {
  /** As `listBytes` of the metadata tells them, where that is known. */
  readonly listBytes?: number;
  pairs(): Iterable<readonly [string, MetadataValue]>;
}

/** What most calls have. Never changed. */
const none: MetadataValue[] = [];

/** Keys that gRPC keeps to itself, but whose values an application may set. */
const settable = new Set([
  "grpc-status-details-bin",
  "grpc-retry-pushback-ms",
  "grpc-previous-rpc-attempts",
  "grpc-trace-bin",
  "grpc-tags-bin",
]);

/** Keys that HTTP/2 or gRPC fill themselves. */
const ownedByProtocol = new Set(["te", "content-type", "host", "connection", "transfer-encoding", "user-agent"]);

/**
 * Headers or trailers of a call: values by key, in the order in which they were set, several to a key.
 *
 * Keys are case-insensitive and kept in lower case. A key that ends in `-bin` has bytes for values, any other has
 * printable ASCII text (gRPC PROTOCOL-HTTP2, Custom-Metadata). What breaks these rules is refused when it is set, with
 * an INVALID_ARGUMENT that names the key.
 */
export class Metadata implements Iterable<[string, MetadataValue]> {
  /** Key, value, key, value: calls carry few pairs, and a flat list is the cheapest to make and to walk. */
  #pairs: MetadataValue[] = none;
  /** Pairs that nobody has looked at. */
  #received: ReceivedPairs | undefined;

  constructor(init?: MetadataInit) {
    if (init !== undefined) this.merge(init);
  }

  /** An instance, made of `init` where it is not one already. */
  static from(init: MetadataInit): Metadata {
    return init instanceof Metadata ? init : new Metadata(init);
  }

  /**
   * Pairs that came off the wire, taken as they are, and only once somebody looks: most calls' trailers are never read.
   * @internal
   */
  static received(pairs: ReceivedPairs): Metadata {
    const metadata = new Metadata();
    metadata.#received = pairs;
    return metadata;
  }

  /** The first value of `key`: bytes for a key in `-bin`, else text. */
  get(key: `${string}-bin`): Uint8Array | undefined;
  get(key: string): string | undefined;
  get(key: string): MetadataValue | undefined {
    const pairs = this.#loaded();
    const wanted = key.toLowerCase();
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === wanted) return pairs[i + 1];
    return undefined;
  }

  /** All values of `key`, in order. */
  getAll(key: `${string}-bin`): Uint8Array[];
  getAll(key: string): string[];
  getAll(key: string): MetadataValue[] {
    const pairs = this.#loaded();
    const wanted = key.toLowerCase();
    const values: MetadataValue[] = [];
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === wanted) values.push(pairs[i + 1]!);
    return values;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Replaces all values of `key`. */
  set(key: string, value: MetadataValue): this {
    const checked = checkKey(key);
    checkValue(checked, value);
    this.#remove(checked);
    this.#add(checked, value);
    return this;
  }

  /** Adds a value to those that `key` has. */
  append(key: string, value: MetadataValue): this {
    const checked = checkKey(key);
    checkValue(checked, value);
    this.#add(checked, value);
    return this;
  }

  delete(key: string): this {
    this.#remove(key.toLowerCase());
    return this;
  }

  /** Appends everything in `other`. */
  merge(other: MetadataInit): this {
    if (other instanceof Metadata) {
      const pairs = other.#loaded();
      const { length } = pairs;
      for (let i = 0; i < length; i += 2) this.#add(pairs[i] as string, pairs[i + 1]!);
      return this;
    }
    for (const key of Object.keys(other)) {
      const value = other[key];
      if (value === undefined) continue;
      if (Array.isArray(value)) for (const one of value as readonly MetadataValue[]) this.append(key, one);
      else this.append(key, value as MetadataValue);
    }
    return this;
  }

  clone(): Metadata {
    const copy = new Metadata();
    if (this.size > 0) copy.#pairs = this.#pairs.slice();
    return copy;
  }

  /**
   * Whether there are no values; of received ones it is known without a look.
   * @internal
   */
  get isEmpty(): boolean {
    return this.#received === undefined && this.#pairs.length === 0;
  }

  /** The number of values. */
  get size(): number {
    return this.#loaded().length / 2;
  }

  /** Bytes of a header list with these values: names, values as they travel, and 32 for each (RFC 9113, section 6.5.2). */
  get listBytes(): number {
    if (this.#received?.listBytes !== undefined) return this.#received.listBytes;
    const pairs = this.#loaded();
    let bytes = 0;
    for (let i = 0; i < pairs.length; i += 2) {
      const value = pairs[i + 1]!;
      bytes += 32 + pairs[i]!.length + (typeof value === "string" ? value.length : Math.ceil(value.length / 3) * 4);
    }
    return bytes;
  }

  /**
   * Key, value, key, value: for a transport, which reads them and keeps nothing of it.
   * @internal
   */
  get pairs(): readonly MetadataValue[] {
    return this.#loaded();
  }

  *[Symbol.iterator](): IterableIterator<[string, MetadataValue]> {
    const pairs = this.#loaded();
    for (let i = 0; i < pairs.length; i += 2) yield [pairs[i] as string, pairs[i + 1]!];
  }

  /** `{ "x-id": "1" }`, several values as a list: for logs. */
  toJSON(): Record<string, MetadataValue | MetadataValue[]> {
    const json: Record<string, MetadataValue | MetadataValue[]> = Object.create(null);
    for (const [key] of this) {
      const all = this.getAll(key);
      json[key] = all.length === 1 ? all[0]! : all;
    }
    return json;
  }

  #loaded(): MetadataValue[] {
    if (this.#received !== undefined) {
      const received = this.#received;
      this.#received = undefined;
      for (const [key, value] of received.pairs()) this.#add(key, value);
    }
    return this.#pairs;
  }

  #add(key: string, value: MetadataValue): void {
    this.#loaded();
    if (this.#pairs === none) this.#pairs = [key, value];
    else this.#pairs.push(key, value);
  }

  #remove(key: string): void {
    const pairs = this.#loaded();
    let kept = 0;
    for (let i = 0; i < pairs.length; i += 2) {
      if (pairs[i] === key) continue;
      pairs[kept++] = pairs[i]!;
      pairs[kept++] = pairs[i + 1]!;
    }
    if (kept < pairs.length) pairs.length = kept;
  }
}

/** Pairs of a list of values for each key, as `toJSON()` of grpc-js' metadata has them. */
export function* pairsOf(lists: {
  readonly [key: string]: readonly MetadataValue[];
}): Iterable<[string, MetadataValue]> {
  for (const [key, values] of Object.entries(lists)) for (const value of values) yield [key, value];
}

/** Keys that were found to be right: programs use a few, again and again. */
const rightKeys = new Set<string>();
const mostRightKeys = 500;

function checkKey(key: string): string {
  if (rightKeys.has(key)) return key;
  const lower = key.toLowerCase();
  if (!/^[0-9a-z_.-]+$/.test(lower)) {
    throw misuse(`metadata key ${JSON.stringify(key)} may have only letters, digits, "-", "_" and "."`);
  }
  if (ownedByProtocol.has(lower) || (lower.startsWith("grpc-") && !settable.has(lower))) {
    throw misuse(`metadata key "${lower}" belongs to the protocol; choose another`);
  }
  if (rightKeys.size < mostRightKeys) rightKeys.add(lower);
  return lower;
}

function checkValue(key: string, value: unknown): asserts value is MetadataValue {
  if (key.endsWith("-bin")) {
    if (value instanceof Uint8Array) return;
    throw misuse(`metadata key "${key}" ends in -bin and so wants bytes (a Uint8Array), not ${typeof value}`);
  }
  if (typeof value !== "string") {
    throw misuse(`metadata key "${key}" wants text, not ${typeof value}; for bytes, let its name end in -bin`);
  }
  if (!/^[\x20-\x7e]*$/.test(value)) {
    throw misuse(`the value of metadata key "${key}" is not printable ASCII; for other text, use a key in -bin`);
  }
}
