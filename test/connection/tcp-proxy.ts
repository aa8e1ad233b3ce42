/** A TCP proxy that does to connections what networks do. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #mute = new Set<Socket>();
  #target: number;
  #silent = false;
  #delayMs = 0;
  /** Connections accepted so far. */
  accepted = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#accept(near));
  }

  /** In front of a port of this machine. */
  static async start(target: number, port = 0): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(port, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#pairs.size + this.#mute.size;
  }

  /** Later connections go to another port. */
  redirect(target: number): void {
    this.#target = target;
  }

  /** Nothing passes any more on the connections that are open, in either direction, and nobody is told. */
  blackHole(): void {
    for (const { near, far } of this.#pairs) for (const socket of [near, far]) socket.pause();
  }

  /** Later connections are accepted, and hear nothing. */
  silence(on: boolean): void {
    this.#silent = on;
  }

  /** What passes is held up for so long. */
  delay(millis: number): void {
    this.#delayMs = millis;
  }

  /** RST to the client, on every open connection. */
  reset(): void {
    for (const pair of this.#pairs) reset(pair);
  }

  /** RST on the oldest. */
  resetOne(): void {
    const [oldest] = this.#pairs;
    if (oldest !== undefined) reset(oldest);
  }

  /** FIN to the client, whose own direction stays open. */
  halfClose(): void {
    for (const { near } of this.#pairs) near.end();
  }

  /** No connection is accepted any more, and those that are open are reset. */
  async stop(): Promise<void> {
    for (const socket of this.#mute) socket.destroy();
    this.reset();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(near: Socket): void {
    this.accepted++;
    near.on("error", () => {}); // It is closed then; that is all a network knows.
    if (this.#silent) {
      this.#mute.add(near);
      near.once("close", () => this.#mute.delete(near));
      near.once("end", () => near.destroy());
      near.resume();
      return;
    }
    const far = connect(this.#target, "127.0.0.1");
    far.on("error", () => near.resetAndDestroy());
    const pair = { near, far };
    this.#pairs.add(pair);
    near.once("close", () => {
      this.#pairs.delete(pair);
      far.destroy();
    });
    far.once("close", () => near.destroy());
    this.#pass(near, far);
    this.#pass(far, near);
  }

  #pass(from: Socket, to: Socket): void {
    const later = (action: () => void) => (this.#delayMs === 0 ? action() : setTimeout(action, this.#delayMs));
    from.on("data", (bytes: Buffer) => later(() => to.write(bytes)));
    from.on("end", () => later(() => to.end()));
  }
}

function reset({ near, far }: Pair): void {
  near.resetAndDestroy();
  far.destroy();
}
