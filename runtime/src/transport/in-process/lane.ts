import { type Compression, compresses } from "../../compression.js";
import type { Turns } from "../../turns.js";

/** A message on its way. */
export interface Parcel {
  /** Nobody else's: neither end sees an object, or a buffer, of the other. */
  readonly bytes: Uint8Array;
  /** A wire would have carried it compressed. */
  readonly isCompressed: boolean;
}

/** @param encoded may be part of the message, or be sent again by a retry: it is copied */
export function parcelOf(message: unknown, encoded: Uint8Array, compression: Compression | undefined): Parcel {
  const isCompressed = compression !== undefined && compresses(compression, message, encoded.length);
  return { bytes: new Uint8Array(encoded), isCompressed };
}

/** Who takes what comes on a lane: one opening at most, parcels, one closing. */
export interface LaneReader<Opening, Closing> {
  onOpening(opening: Opening): void;
  onParcel(parcel: Parcel): void;
  onClosing(closing: Closing): void;
}

/** What waits on a lane, unread, before its writer is asked to wait; and how little before it may go on. */
const mostParcels = 4;
const mostBytes = 64 * 1024;
const share = 0.5;

/**
 * One direction of a call. What its writer puts in, its reader gets in order and in a turn of its own: parcels only as
 * many as it asked for, opening and closing unasked.
 */
export class Lane<Opening, Closing> {
  readonly #parcels: Parcel[] = [];
  #bytes = 0;
  #opening: { readonly value: Opening } | undefined;
  #closing: { readonly value: Closing } | undefined;
  #credit = 0;
  #reader: LaneReader<Opening, Closing> | undefined;
  #readerTurns: Turns | undefined;
  #writerTurns: Turns | undefined;
  #onWritable: (() => void) | undefined;
  #isHeld = false;
  #isPosted = false;
  #isStopped = false;

  // ── For the writer ──

  /** @param onWritable called in its turns, after a `write` that returned false: there is room again */
  writeFrom(turns: Turns, onWritable: () => void): void {
    this.#writerTurns = turns;
    this.#onWritable = onWritable;
  }

  open(opening: Opening): void {
    this.#opening = { value: opening };
    this.#wake();
  }

  /** False asks to wait: until there is room, or for ever where nobody reads any more. */
  write(parcel: Parcel): boolean {
    if (this.#isStopped) return false;
    this.#parcels.push(parcel);
    this.#bytes += parcel.bytes.length;
    if (this.#credit > 0) this.#wake();
    this.#isHeld = this.#parcels.length >= mostParcels || this.#bytes >= mostBytes;
    return !this.#isHeld;
  }

  close(closing: Closing): void {
    this.#closing ??= { value: closing };
    this.#wake();
  }

  /** Closes it before what is still on it. */
  cut(closing: Closing): void {
    this.#parcels.length = 0;
    this.close(closing);
  }

  // ── For the reader ──

  /** What is there already comes at once. */
  readIn(turns: Turns, reader: LaneReader<Opening, Closing>): void {
    this.#readerTurns = turns;
    this.#reader = reader;
    this.#deliver();
  }

  read(n: number): void {
    this.#credit += n;
    if (this.#parcels.length > 0) this.#wake();
  }

  /** Nothing more comes, and nothing is kept. */
  stop(): void {
    this.#isStopped = true;
    this.#parcels.length = 0;
  }

  // ── Inside ──

  #wake(): void {
    if (this.#isPosted || this.#isStopped || this.#readerTurns === undefined) return;
    this.#isPosted = true;
    this.#readerTurns.post(this.#deliver);
  }

  readonly #deliver = (): void => {
    this.#isPosted = false;
    const reader = this.#reader!;
    if (this.#opening !== undefined && !this.#isStopped) {
      const { value } = this.#opening;
      this.#opening = undefined;
      reader.onOpening(value);
    }
    while (this.#credit > 0 && this.#parcels.length > 0) {
      const parcel = this.#parcels.shift()!;
      this.#credit--;
      this.#bytes -= parcel.bytes.length;
      reader.onParcel(parcel);
    }
    if (this.#isStopped) return;
    if (this.#parcels.length === 0 && this.#closing !== undefined) {
      this.stop();
      reader.onClosing(this.#closing.value);
    } else if (this.#isHeld && this.#parcels.length <= mostParcels * share && this.#bytes <= mostBytes * share) {
      this.#isHeld = false;
      this.#writerTurns?.post(this.#onWritable!);
    }
  };
}
