/** Many calls: at the same time, or one after another. */
import { setTimeout as sleep } from "node:timers/promises";
import { expectEqual, expectPayload } from "../check.js";
import { largeRequestSize, largeResponseSize, type Soak, zeros } from "../description.js";
import type { Clients } from "../service.js";
import type { Case } from "./case.js";

async function unaryCall({ test }: Clients, requestSize: number, responseSize: number): Promise<void> {
  const { payload } = await test.unaryCall({ responseSize, payload: { body: zeros(requestSize) } });
  expectPayload("the response's payload", payload, responseSize);
}

export const concurrentLargeUnary: Case = async (clients, { concurrentCalls }) => {
  const calls = Array.from({ length: concurrentCalls }, () => unaryCall(clients, largeRequestSize, largeResponseSize));
  await Promise.all(calls);
};

/** All calls on the one channel. */
export const rpcSoak: Case = (clients, { soak }) =>
  soakWith(soak, () => unaryCall(clients, soak.requestSize, soak.responseSize));

/** Each call on a channel, and a connection, of its own. */
export const channelSoak: Case = (_clients, { soak, onChannel }) =>
  soakWith(soak, () => onChannel({}, (clients) => unaryCall(clients, soak.requestSize, soak.responseSize)));

async function soakWith(soak: Soak, call: () => Promise<void>): Promise<void> {
  const failures: string[] = [];
  const begun = performance.now();
  let done = 0;
  while (done < soak.iterations && performance.now() - begun < soak.overallTimeoutSeconds * 1000) {
    const start = performance.now();
    const failure = await call().then(() => undefined, String);
    const took = performance.now() - start;
    done++;
    if (failure !== undefined) failures.push(failure);
    else if (took > soak.perIterationMaxAcceptableLatencyMs) failures.push(`call ${done} took ${took.toFixed(0)} ms`);
    if (took < soak.minTimeMsBetweenRpcs) await sleep(soak.minTimeMsBetweenRpcs - took);
  }
  expectEqual(`calls within ${soak.overallTimeoutSeconds} s`, done, soak.iterations);
  if (failures.length > soak.maxFailures) throw new Error(`${failures.length} of ${done} calls failed: ${failures[0]}`);
}
