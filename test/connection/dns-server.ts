/** A DNS server on UDP that has the same addresses for every name, which can be changed, and nothing else (RFC 1035). */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

/** Where the header ends, and the question begins. */
const headerLength = 12;
const types = { A: 1, AAAA: 28 };

export class DnsServer {
  readonly #socket: Socket;
  /** What it answers, IPv4 and IPv6: to A the ones, to AAAA the others. */
  addresses: readonly string[];
  /** That it has answered so far. */
  queries = 0;

  private constructor(socket: Socket, addresses: readonly string[]) {
    this.#socket = socket;
    this.addresses = addresses;
    socket.on("message", (query, from) => this.#answer(query, from));
  }

  static async start(addresses: readonly string[] = []): Promise<DnsServer> {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new DnsServer(socket, addresses);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async stop(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  #answer(query: Buffer, from: RemoteInfo): void {
    let end = headerLength;
    while (query[end] !== 0) end += 1 + query[end]!;
    end += 5; // The name's last, empty label; type and class.
    const type = query.readUInt16BE(end - 4);
    const records = this.addresses
      .filter((address) => type === (isIPv6(address) ? types.AAAA : types.A))
      .map((address) => record(type, address));
    this.queries++;
    const header = Buffer.alloc(headerLength);
    query.copy(header, 0, 0, 2); // The query's id.
    header.writeUInt16BE(0x8580, 2); // An answer, with authority, no error.
    header.writeUInt16BE(1, 4); // One question, repeated.
    header.writeUInt16BE(records.length, 6);
    this.#socket.send(Buffer.concat([header, query.subarray(headerLength, end), ...records]), from.port, from.address);
  }
}

/** Of the name in the question; it may be kept for no time at all. */
function record(type: number, address: string): Buffer {
  const data = isIPv6(address) ? ipv6Bytes(address) : Buffer.from(address.split(".").map(Number));
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc000 | headerLength, 0); // A pointer to the name.
  fixed.writeUInt16BE(type, 2);
  fixed.writeUInt16BE(1, 4); // The internet's class.
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

function ipv6Bytes(address: string): Buffer {
  const [head, tail = []] = address.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array<string>(8 - head!.length - tail.length).fill("0");
  const groups = [...head!, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
  return Buffer.from(Uint16Array.from(groups).buffer).swap16();
}
