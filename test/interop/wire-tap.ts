/** A TCP proxy that keeps what passes: the frames of both ends, as they were on the wire. Header blocks it leaves as they are. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { preface } from "../runtime/raw-frames.js";

export interface WireFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** What one end has sent. */
export class Heard {
  readonly frames: WireFrame[] = [];
  /** What a client sends first. */
  preface: Buffer | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #onFrame: (() => void)[] = [];

  take(bytes: Buffer, isClient: boolean): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (isClient && this.preface === undefined) {
      if (this.#rest.length < preface.length) return;
      this.preface = this.#rest.subarray(0, preface.length);
      this.#rest = this.#rest.subarray(preface.length);
    }
    while (this.#rest.length >= 9 && this.#rest.length >= 9 + this.#rest.readUIntBE(0, 3)) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      const [type, flags] = [this.#rest.readUInt8(3), this.#rest.readUInt8(4)];
      const streamId = this.#rest.readUInt32BE(5);
      this.frames.push({ type, flags, streamId, payload: this.#rest.subarray(9, end) });
      this.#rest = this.#rest.subarray(end);
    }
    for (const tell of this.#onFrame.splice(0)) tell();
  }

  of(streamId: number, type?: number): WireFrame[] {
    return this.frames.filter((frame) => frame.streamId === streamId && (type === undefined || frame.type === type));
  }

  /** The first such, when it has come. */
  async first(wanted: (frame: WireFrame) => boolean): Promise<WireFrame> {
    for (;;) {
      const found = this.frames.find(wanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#onFrame.push(resolve));
    }
  }
}

export class WireTap {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly client: Heard = new Heard();
  readonly server: Heard = new Heard();

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, "127.0.0.1");
      this.#sockets.push(near, far);
      for (const socket of [near, far]) socket.setNoDelay(true).on("error", () => {});
      near.on("data", (bytes: Buffer) => this.client.take(bytes, true));
      far.on("data", (bytes: Buffer) => this.server.take(bytes, false));
      near.pipe(far).pipe(near);
    });
  }

  /** In front of a port of this machine. */
  static async start(port: number): Promise<WireTap> {
    const tap = new WireTap(port);
    await once(tap.#server.listen(0, "127.0.0.1"), "listening");
    return tap;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export type Fields = readonly (readonly [name: string, value: string])[];

/** Header fields as node:http2 gives them, in the order of the wire. */
export function fieldsOf(raw: readonly string[]): Fields {
  const fields: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) fields.push([raw[i]!, raw[i + 1]!]);
  return fields;
}

export const namesOf = (fields: Fields): string[] => fields.map(([name]) => name);

/** All values of a name, in their order. */
export const valuesOf = (fields: Fields, wanted: string): string[] =>
  fields.filter(([name]) => name === wanted).map(([, value]) => value);

/** What the document says, where, and whether what was heard is like that. */
export interface Rule<Heard> {
  readonly source: string;
  readonly rule: string;
  readonly check: (heard: Heard) => void;
  /** Why it does not hold on grpc-js; there the check has to fail. */
  readonly notOnGrpcJs?: string;
}

/** The title of a rule's test. */
export const titleOf = <H>({ source, rule, notOnGrpcJs }: Rule<H>, name: string): string =>
  `${source}: ${rule}${name === "grpc-js" && notOnGrpcJs !== undefined ? ` (not on grpc-js: ${notOnGrpcJs})` : ""}`;

export function checkRule<H>({ check, notOnGrpcJs }: Rule<H>, name: string, heard: H): void {
  if (name === "grpc-js" && notOnGrpcJs !== undefined) expect(() => check(heard)).toThrow();
  else check(heard);
}

/** Every message of these DATA frames, taken apart by its prefix (PROTOCOL-HTTP2, Length-Prefixed-Message). */
export function messagesOf(frames: readonly WireFrame[]): { readonly flag: number; readonly bytes: Buffer }[] {
  const body = Buffer.concat(frames.map(({ payload }) => payload));
  const messages: { flag: number; bytes: Buffer }[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    expect(end).toBeLessThanOrEqual(body.length);
    messages.push({ flag: body.readUInt8(at), bytes: body.subarray(at + 5, end) });
    at = end;
  }
  return messages;
}
