/** A socket that programs listen on one after the other, and that is never closed in between: what systemd holds for a service. */
import * as net from "node:net";

/** What node:cluster makes its sockets with. Node.js has no public way to bind a socket without listening on it. */
const { _createServerHandle: createServerHandle } = net as unknown as {
  _createServerHandle(host: string, port: number, family: 4): Handle;
};

interface Handle {
  /** To give to a program: `stdio: ["ignore", "pipe", "pipe", fd]`, and the program listens on `fd:3`. */
  readonly fd: number;
  getsockname(out: { port?: number }): void;
  close(): void;
}

export class BoundSocket {
  readonly #handle = createServerHandle("127.0.0.1", 0, 4);
  readonly port: number;

  constructor() {
    const name: { port?: number } = {};
    this.#handle.getsockname(name);
    this.port = name.port!;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get fd(): number {
    return this.#handle.fd;
  }

  close(): void {
    this.#handle.close();
  }
}
