/**
 * How much DATA is still to come on streams whose peer has said how much there is: with more or less of it, a request or
 * response is malformed (RFC 9113, section 8.1.1). No gRPC peer says so; gateways do.
 */
export class ContentLengths {
  readonly #left = new Map<number, number>();

  add(streamId: number, bytes: number): void {
    this.#left.set(streamId, bytes);
  }

  /** Whether so much may come next, without padding. */
  takes(streamId: number, bytes: number, endsStream: boolean): boolean {
    const left = this.#left.get(streamId);
    if (left === undefined) return true;
    this.#left.set(streamId, left - bytes);
    return endsStream ? left === bytes : left >= bytes;
  }

  delete(streamId: number): void {
    this.#left.delete(streamId);
  }
}
