import { type CodecShape, codecs } from "../codecs/codecs.js";

export interface CodecTimes {
  readonly encodeNs: number;
  readonly decodeNs: number;
  readonly bytes: number;
}

/** Keeps the optimizer from finding that nobody wants the results. */
let sink: unknown;

export const codecCommands = {
  /** Encodes for half of the time, decodes for the other half. */
  async codec({ library, shape, millis }: { library: string; shape: CodecShape; millis: number }): Promise<CodecTimes> {
    const codec = (await codecs[library]!())[shape];
    const bytes = codec.encode();
    return {
      encodeNs: nanoseconds(() => codec.encode(), millis / 2),
      decodeNs: nanoseconds(() => codec.decode(bytes), millis / 2),
      bytes: bytes.length,
    };
  },
};

function nanoseconds(run: () => unknown, millis: number): number {
  const began = performance.now();
  let runs = 0;
  let elapsed: number;
  do {
    for (let i = 0; i < 100; i++) sink = run();
    runs += 100;
    elapsed = performance.now() - began;
  } while (elapsed < millis);
  void sink;
  return (elapsed / runs) * 1e6;
}
