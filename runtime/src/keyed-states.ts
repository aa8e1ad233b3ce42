/**
 * A state for each key, of at most `maxKeys` keys: keys may come from outside, and memory must not follow them.
 *
 * Where there is no room, the least recently used state makes room if it may be forgotten: if it says nothing that a
 * new one would not say. If it may not, all keys that came too late share one state: a flood of keys neither grows the
 * memory nor frees anybody from a limit.
 */
export class KeyedStates<State> {
  readonly #maxKeys: number;
  readonly #create: (key: string) => State;
  readonly #mayForget: (state: State) => boolean;
  /** Least recently used first. */
  readonly #states = new Map<string, State>();
  #shared: State | undefined;

  constructor(maxKeys: number, create: (key: string) => State, mayForget: (state: State) => boolean) {
    this.#maxKeys = maxKeys;
    this.#create = create;
    this.#mayForget = mayForget;
  }

  of(key: string): State {
    const known = this.#states.get(key);
    if (known !== undefined) {
      this.#states.delete(key);
      this.#states.set(key, known);
      return known;
    }
    if (this.#states.size >= this.#maxKeys) {
      const [[oldest, state]] = this.#states as Iterable<[string, State]> as [[string, State]];
      if (!this.#mayForget(state)) {
        this.#shared ??= this.#create("(keys beyond maxKeys)");
        return this.#shared;
      }
      this.#states.delete(oldest);
    }
    const created = this.#create(key);
    this.#states.set(key, created);
    return created;
  }

  get size(): number {
    return this.#states.size;
  }

  [Symbol.iterator](): Iterator<[string, State]> {
    return this.#states[Symbol.iterator]();
  }
}
