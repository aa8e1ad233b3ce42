import type { Bound, Dispatcher, ServeOptions } from "../../contract.js";
import type { ChannelCredentials } from "../../credentials.js";
import { atDeadline } from "../../deadline.js";
import { Turns } from "../../turns.js";
import { nextClientAddress } from "./addresses.js";
import { Link, type LinkClient } from "./link.js";

/** Where a server answers, and with what. */
export interface EndpointOptions {
  readonly address: string;
  readonly port: number;
  /** What clients have to speak; undefined where all is the same. */
  readonly credentials: ChannelCredentials["kind"] | undefined;
  readonly dispatcher: Dispatcher;
  readonly serve: ServeOptions;
  /** Called when it takes no more connections. */
  readonly onClose: () => void;
}

/** A place where a server answers: an address of this isolate, or the server itself. */
export class Endpoint implements Bound {
  readonly address: string;
  readonly port: number;
  readonly #options: EndpointOptions;
  readonly #turns: Turns;
  readonly #links = new Set<Link>();
  #isOpen = true;
  #onEmpty: (() => void) | undefined;
  #emptied: Promise<void> | undefined;

  constructor(options: EndpointOptions, turns: Turns = new Turns()) {
    this.address = options.address;
    this.port = options.port;
    this.#options = options;
    this.#turns = turns;
  }

  /** A connection to it, or why there is none. */
  connect(channel: LinkClient, credentials: ChannelCredentials["kind"]): Link | string {
    const { address } = this;
    const wanted = this.#options.credentials;
    if (!this.#isOpen) return `connect ECONNREFUSED ${address}: the server there was shut down`;
    if (wanted !== undefined && wanted !== credentials) {
      const spoken = wanted === "tls" ? "TLS: dial it with tls()" : "plaintext: dial it with insecure()";
      return `the server at ${address} speaks ${spoken}`;
    }
    const { dispatcher, serve } = this.#options;
    const leave = serve.gate.open();
    if (leave === undefined) return `connect ECONNRESET ${address}: the server lets nobody else in`;
    const link: Link = new Link(
      { peer: address, client: nextClientAddress() },
      channel,
      this.#turns,
      dispatcher,
      serve,
      () => {
        this.#links.delete(link);
        leave();
        if (this.#links.size === 0) this.#onEmpty?.();
      },
    );
    this.#links.add(link);
    return link;
  }

  async drain(graceMs: number): Promise<number> {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#options.onClose();
    }
    for (const link of [...this.#links]) link.goAway();
    let cutCalls = 0;
    const cut = () => {
      for (const link of [...this.#links]) cutCalls += link.cut();
    };
    let stop: (() => void) | undefined;
    if (graceMs > 0) stop = atDeadline(performance.now() + graceMs, cut);
    else cut();
    await this.#whenEmpty();
    stop?.();
    return cutCalls;
  }

  #whenEmpty(): Promise<void> {
    this.#emptied ??= new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
    if (this.#links.size === 0) this.#onEmpty?.();
    return this.#emptied;
  }
}
