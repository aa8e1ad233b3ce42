import type { BenchClient, ClientStack, Done } from "./contender.js";

/** Answers a few calls, and then crashes, hangs, or fails each call. */
export function failing(how: string): ClientStack {
  let calls = 0;
  const call = (done: Done) => {
    if (++calls < 5) setImmediate(done);
    else if (how === "crash") process.exit(3);
    else if (how !== "hang") setImmediate(() => done(new Error("this contender fails")));
  };
  const client: BenchClient = {
    echo: (_shape, _style, done) => call(done),
    download: (_shape, _count, done) => call(done),
    upload: (_shape, _count, done) => call(done),
    pingPong: (_count, done) => call(done),
    hold: call,
    close: () => {},
  };
  return { connect: () => client };
}
