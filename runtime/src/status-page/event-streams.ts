import type { ServerResponse } from "node:http";

/** What the streams tell. */
export interface EventFeed {
  /** Called when there is a first stream. */
  onFirst(): void;
  /** Called when there are no streams any more. */
  onLast(): void;
  /** The data of the next event: text without line breaks. */
  next(): string;
}

/**
 * Responses that are event streams (server-sent events, WHATWG HTML section 9.2): each gets an event at once, and then
 * one every so often. One timer serves all of them, and there is none where there are none.
 */
export class EventStreams {
  readonly #everyMs: number;
  readonly #feed: EventFeed;
  readonly #streams = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;

  constructor(everyMs: number, feed: EventFeed) {
    this.#everyMs = everyMs;
    this.#feed = feed;
  }

  /** Takes a response whose head has been written, until its client is gone. */
  add(response: ServerResponse): void {
    if (response.destroyed) return;
    // Who looks does not keep a process running that has nothing else to do.
    response.socket?.unref();
    response.once("close", () => this.#remove(response));
    if (this.#streams.size === 0) {
      this.#feed.onFirst();
      this.#timer = setInterval(() => this.#beat(), this.#everyMs).unref();
    }
    this.#streams.add(response);
    // A client that loses the stream asks for it again after as long.
    response.write(`retry: ${this.#everyMs}\n\n${event(this.#feed.next())}`);
  }

  #remove(response: ServerResponse): void {
    this.#streams.delete(response);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#feed.onLast();
  }

  /** A client that has not read the last events misses this one: each says all, and nothing queues up. */
  #beat(): void {
    const reading = [...this.#streams].filter(({ writableNeedDrain }) => !writableNeedDrain);
    if (reading.length === 0) return;
    const text = event(this.#feed.next());
    for (const response of reading) response.write(text);
  }
}

function event(data: string): string {
  return `data: ${data}\n\n`;
}
