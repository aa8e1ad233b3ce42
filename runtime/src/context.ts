/** What a value of a call is kept under. Two keys are never the same, whatever their names. */
export interface ContextKey<out T> {
  /** For people: logs and debuggers. */
  readonly name: string;
  /** What `get` returns where nothing was set. */
  readonly defaultValue: T;
}

/**
 * Makes a key for a value that belongs to a call: who makes it, its tenant, a transaction.
 *
 * ```ts
 * export const tenant = createContextKey<string>("tenant");
 * call.context.set(tenant, "acme");
 * ```
 *
 * @param name for people only: a second key of the same name is another key
 * @param defaultValue what `get` returns where nothing was set; without it that is undefined
 */
export function createContextKey<T>(name: string): ContextKey<T | undefined>;
export function createContextKey<T>(name: string, defaultValue: T): ContextKey<T>;
export function createContextKey<T>(name: string, defaultValue?: T): ContextKey<T | undefined> {
  return { name, defaultValue };
}

/**
 * Typed values that belong to one call. They stay in this process: what is to travel goes into metadata.
 *
 * What has not been set here is looked up in the contexts behind it, in their order, each time that it is asked for;
 * what is set here is not seen there.
 */
export class CallContext {
  #values: Map<ContextKey<unknown>, unknown> | undefined;
  readonly #behind: readonly CallContext[];

  /** @param behind where to look for what is not set here; the first that has it counts */
  constructor(...behind: readonly CallContext[]) {
    this.#behind = behind;
  }

  /** The value of `key`; the key's default where there is none. */
  get<T>(key: ContextKey<T>): T {
    if (this.#values?.has(key)) return this.#values.get(key) as T;
    // By public methods only: a parent call may be of another copy of this package.
    const holder = this.#behind.find((context) => context.has(key));
    return holder === undefined ? key.defaultValue : holder.get(key);
  }

  /** Whether `key` has been set, here or behind, be it to undefined. */
  has(key: ContextKey<unknown>): boolean {
    return this.#values?.has(key) === true || this.#behind.some((context) => context.has(key));
  }

  /** Sets the value of `key` for whoever looks from now on: inner interceptors, the handler, calls made on its behalf. */
  set<T>(key: ContextKey<T>, value: T): this {
    this.#values ??= new Map();
    this.#values.set(key, value);
    return this;
  }
}
