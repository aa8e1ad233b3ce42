/** The implementation of every stack whose handlers are async functions and generators. */
import { chunk, small } from "./messages.js";
import { times } from "./ping-pong.js";

export const streamingService = {
  echoSmall: async <T>(request: T): Promise<T> => request,
  echoOrder: async <T>(request: T): Promise<T> => request,
  download: ({ count }: { count: number }) => times(small, count),
  downloadChunks: ({ count }: { count: number }) => times(chunk, count),
  upload: countAll,
  uploadChunks: countAll,
  async *pingPong<T>(requests: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const request of requests) yield request;
  },
};

async function countAll(requests: AsyncIterable<unknown>): Promise<{ count: number }> {
  let count = 0;
  for await (const _ of requests) count++;
  return { count };
}
