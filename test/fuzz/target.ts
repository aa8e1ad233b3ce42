/** Something to be fuzzed, and the random numbers that its cases are made of: one seed, one case, on every machine. */

export interface FuzzTarget {
  readonly name: string;
  /** Runs one case; throws where something is wrong. Must be quick. */
  run(random: Random): void | Promise<void>;
  /** Ends what is kept between cases. */
  stop?(): Promise<void>;
}

export interface Random {
  /** From 0 to below 1. */
  next(): number;
  /** A whole number from 0 to below `below`. */
  int(below: number): number;
  bytes(length: number): Buffer;
}

/** The generator sfc32 of Chris Doty-Humphrey's PractRand: small, fast, and even in all of its bits. */
export function seeded(seed: number): Random {
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const bits = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // Seeds that are near each other begin alike.
  for (let round = 0; round < 15; round++) bits();
  const next = (): number => bits() / 2 ** 32;
  return {
    next,
    int: (below) => Math.floor(next() * below),
    bytes: (length) => Buffer.from(Array.from({ length }, () => bits() & 0xff)),
  };
}
