/** Reads what a connection of ours writes, and holds it to RFC 9113: whatever it was sent, it must not break the protocol. */
import { ok, strictEqual } from "node:assert/strict";
import { Flag, FrameType, Setting } from "../../runtime/src/transport/http2/frames.js";
import { HpackDecoder } from "../../runtime/src/transport/http2/hpack/decoder.js";

interface Stream {
  /** Bytes that the connection may send on it. */
  window: number;
  /** Bytes that may be sent to it. */
  ownWindow: number;
  hasHeaders: boolean;
  /** It has said END_STREAM or RST_STREAM. */
  hasEnded: boolean;
  /** It has said RST_STREAM, or was sent it. */
  isReset: boolean;
  /** Its last header list: trailers. */
  fields: { readonly [name: string]: string };
  body: Buffer[];
}

type Settings = readonly (readonly [setting: number, value: number])[];

export class StrictPeer {
  readonly streams: Map<number, Stream> = new Map();
  /** `GOAWAY 1`, `RST_STREAM 3 5`, `PING` with an answer: in their order. */
  readonly said: string[] = [];
  /** Pings and SETTINGS that are to be answered: whole frames. */
  readonly duties: Buffer[] = [];
  hasFailed = false;
  /** Whether it knows what was sent, and is to look at what is made of it. */
  protected isStrict = true;
  window = 65_535;
  /** Bytes of DATA that may be sent to it. */
  ownWindow = 65_535;
  #rest: Buffer = Buffer.alloc(0);
  #prefaceBytes: number;
  #initialWindow = 65_535;
  #ownInitialWindow = 65_535;
  #maxFrame = 16_384;
  #settings: Settings[] = [];
  #block: { readonly streamId: number; readonly flags: number; readonly parts: Buffer[] } | undefined;
  #isFirst = true;
  readonly #decoder = new HpackDecoder(4096);

  /** @param isServer the connection that it reads is a client's */
  constructor(isServer: boolean) {
    this.#prefaceBytes = isServer ? 24 : 0;
  }

  // ── What it sends itself ──

  /** It has opened a stream, or seen it opened, or says something of it. */
  opened(streamId: number): Stream {
    let stream = this.streams.get(streamId);
    if (stream === undefined) {
      stream = {
        ...{ window: this.#initialWindow, ownWindow: this.#ownInitialWindow, hasHeaders: false, hasEnded: false },
        ...{ isReset: false, fields: {}, body: [] },
      };
      this.streams.set(streamId, stream);
    }
    return stream;
  }

  sentSettings(settings: Settings): void {
    this.#settings.push(settings);
  }

  sentWindow(streamId: number, bytes: number): void {
    if (streamId === 0) this.window += bytes;
    else this.opened(streamId).window += bytes;
  }

  // ── What it is sent ──

  take(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const skipped = Math.min(this.#prefaceBytes, this.#rest.length);
    this.#prefaceBytes -= skipped;
    let at = skipped;
    const all = this.#rest;
    while (all.length - at >= 9) {
      const length = all.readUIntBE(at, 3);
      if (all.length - at - 9 < length) break;
      const payload = all.subarray(at + 9, at + 9 + length);
      this.#onFrame(all[at + 3]!, all[at + 4]!, all.readUInt32BE(at + 5), payload);
      at += 9 + length;
    }
    this.#rest = all.subarray(at);
  }

  #onFrame(type: number, flags: number, streamId: number, payload: Buffer): void {
    ok(!this.hasFailed, "there is a frame behind the GOAWAY that ends the connection");
    ok(!this.isStrict || payload.length <= this.#maxFrame, `a frame of ${payload.length} bytes, of ${this.#maxFrame}`);
    if (this.#isFirst) strictEqual(type, FrameType.settings);
    this.#isFirst = false;
    if (this.#block !== undefined) strictEqual(type, FrameType.continuation);
    switch (type) {
      case FrameType.data:
        this.#onData(flags, streamId, payload);
        return;
      case FrameType.headers:
        this.#block = { streamId, flags, parts: [payload] };
        if ((flags & Flag.endHeaders) !== 0) this.#onHeaders();
        return;
      case FrameType.continuation:
        strictEqual(streamId, this.#block!.streamId);
        this.#block!.parts.push(payload);
        if ((flags & Flag.endHeaders) !== 0) this.#onHeaders();
        return;
      case FrameType.rstStream: {
        strictEqual(payload.length, 4);
        const stream = this.opened(streamId);
        stream.hasEnded = true;
        stream.isReset = true;
        this.said.push(`RST_STREAM ${streamId} ${payload.readUInt32BE(0)}`);
        return;
      }
      case FrameType.settings:
        strictEqual(streamId, 0);
        if ((flags & Flag.ack) !== 0) this.#onAcknowledged();
        else this.#onSettings(payload);
        return;
      case FrameType.ping: {
        strictEqual(payload.length, 8);
        if ((flags & Flag.ack) !== 0) this.said.push(`PING ${payload.toString("hex")}`);
        else this.duties.push(Buffer.concat([Buffer.of(0, 0, 8, FrameType.ping, Flag.ack, 0, 0, 0, 0), payload]));
        return;
      }
      case FrameType.goaway: {
        strictEqual(streamId, 0);
        const error = payload.readUInt32BE(4);
        this.said.push(`GOAWAY ${error}`);
        this.hasFailed = error !== 0;
        return;
      }
      case FrameType.windowUpdate: {
        const bytes = payload.readUInt32BE(0);
        ok(bytes > 0 && bytes < 2 ** 31, `WINDOW_UPDATE by ${bytes}`);
        if (streamId === 0) this.ownWindow += bytes;
        else this.opened(streamId).ownWindow += bytes;
        ok(this.ownWindow < 2 ** 31, "the connection's window is too large");
        return;
      }
      default:
        throw new Error(`a frame of type ${type}`);
    }
  }

  #onData(flags: number, streamId: number, payload: Buffer): void {
    const stream = this.streams.get(streamId);
    ok(stream?.hasHeaders, `DATA on stream ${streamId}, which has no headers`);
    ok(!stream.hasEnded, `DATA on stream ${streamId}, which has ended`);
    stream.window -= payload.length;
    this.window -= payload.length;
    if (this.isStrict && payload.length > 0) {
      ok(stream.window >= 0, `DATA over the window of stream ${streamId}: ${stream.window}`);
      ok(this.window >= 0, `DATA over the window of the connection: ${this.window}`);
    }
    stream.body.push(Buffer.from(payload));
    if ((flags & Flag.endStream) !== 0) stream.hasEnded = true;
  }

  #onHeaders(): void {
    const { streamId, flags, parts } = this.#block!;
    this.#block = undefined;
    const block = Buffer.concat(parts);
    const fields: { [name: string]: string } = {};
    this.#decoder.decode(block, 0, block.length, {
      onField({ name, value }) {
        fields[name] = value;
      },
    });
    const stream = this.opened(streamId);
    ok(!stream.hasEnded, `HEADERS on stream ${streamId}, which has ended`);
    stream.hasHeaders = true;
    stream.fields = fields;
    if ((flags & Flag.endStream) !== 0) stream.hasEnded = true;
  }

  #onSettings(payload: Buffer): void {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== Setting.initialWindowSize) continue;
      const value = payload.readUInt32BE(at + 2);
      for (const stream of this.streams.values()) stream.ownWindow += value - this.#ownInitialWindow;
      this.#ownInitialWindow = value;
    }
    this.duties.push(Buffer.of(0, 0, 0, FrameType.settings, Flag.ack, 0, 0, 0, 0));
  }

  /** From here on it keeps to the oldest of what it was sent. */
  #onAcknowledged(): void {
    const settings = this.isStrict ? this.#settings.shift() : [];
    ok(settings !== undefined, "it acknowledges SETTINGS that it was not sent");
    for (const [setting, value] of settings) {
      if (setting === Setting.maxFrameSize) this.#maxFrame = value;
      if (setting !== Setting.initialWindowSize) continue;
      for (const stream of this.streams.values()) stream.window += value - this.#initialWindow;
      this.#initialWindow = value;
    }
  }
}
