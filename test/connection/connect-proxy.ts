/** An HTTP proxy that knows names of its own, and connects to them where it is asked to (CONNECT). */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

export class ConnectProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What it was asked for: `name:port`, with the credentials. */
  readonly asked: { readonly to: string; readonly authorization: string | undefined }[] = [];
  /** Ports of this machine, by the names that the proxy alone knows them by. */
  readonly names = new Map<string, number>();
  /** Written to a client in the place of an answer. */
  answer: string | undefined;

  private constructor() {
    this.#server = createServer();
    this.#server.on("connection", (socket) => this.#keep(socket));
    this.#server.on("connect", ({ url = "", headers }, client, head) => {
      this.asked.push({ to: url, authorization: headers["proxy-authorization"] });
      this.#connect(url, client as Socket, head);
    });
  }

  static async start(): Promise<ConnectProxy> {
    const proxy = new ConnectProxy();
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #connect(to: string, client: Socket, head: Buffer): void {
    const port = this.names.get(to);
    if (this.answer !== undefined) {
      client.write(this.answer);
      if (this.answer === "") client.end();
    } else if (port === undefined) {
      client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    } else {
      const server = this.#keep(connect(port, "127.0.0.1"));
      server.once("connect", () => {
        client.write("HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n");
        server.write(head);
        client.pipe(server).pipe(client);
      });
    }
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    return socket.on("error", () => {}); // What has gone is closed.
  }
}
