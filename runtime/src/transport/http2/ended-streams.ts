/** How many are remembered: more than most connections have at a time. */
const mostStreams = 2048;

/** Headers and trailers. */
const mostHeaderLists = 2;

interface Ended {
  /** Bytes of DATA. */
  windowBytes: number;
  headerLists: number;
}

/**
 * What may still come on streams that were ended here: their peer sends on until it hears of it (RFC 9113, section 5.1,
 * closed). That is no more than it was allowed to; it means nothing, and nobody is to blame for it.
 */
export class EndedStreams {
  readonly #streams = new Map<number, Ended>();

  /** @param windowBytes what the peer may have sent of DATA */
  add(streamId: number, windowBytes: number): void {
    if (this.#streams.size >= mostStreams) {
      for (const oldest of this.#streams.keys()) {
        this.#streams.delete(oldest);
        break;
      }
    }
    this.#streams.set(streamId, { windowBytes, headerLists: mostHeaderLists });
  }

  has(streamId: number): boolean {
    return this.#streams.has(streamId);
  }

  /** Whether the peer may have sent that before it heard of the end. */
  takesData(streamId: number, bytes: number, endsStream: boolean): boolean {
    const stream = this.#streams.get(streamId);
    if (stream === undefined || bytes > stream.windowBytes) return false;
    stream.windowBytes -= bytes;
    if (endsStream) this.#streams.delete(streamId);
    return true;
  }

  takesHeaders(streamId: number, endsStream: boolean): boolean {
    const stream = this.#streams.get(streamId);
    if (stream === undefined || stream.headerLists === 0) return false;
    stream.headerLists--;
    if (endsStream) this.#streams.delete(streamId);
    return true;
  }

  takesReset(streamId: number): boolean {
    return this.#streams.delete(streamId);
  }
}
