import type { Done } from "../contenders/contender.js";
import { quantile } from "../measure/statistics.js";

export interface Loop {
  readonly calls: number;
  readonly elapsedMs: number;
  /** Of this process, all threads, for all of the calls. */
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Keeps `inFlight` calls under way for `millis`, and until as many have ended, so that no measurement is all start and
 * end. Fails with the first call that fails.
 */
export function closedLoop(call: (done: Done) => void, inFlight: number, millis: number): Promise<Loop> {
  return new Promise((resolve, reject) => {
    const latencies: number[] = [];
    let running = inFlight;
    const cpu = process.cpuUsage();
    const began = performance.now();
    const start = () => {
      const at = performance.now();
      call((error) => {
        if (error !== undefined) return reject(error);
        const now = performance.now();
        latencies.push(now - at);
        if (now - began < millis || latencies.length < inFlight) return start();
        if (--running > 0) return;
        const { user, system } = process.cpuUsage(cpu);
        resolve({
          calls: latencies.length,
          elapsedMs: now - began,
          cpuMicros: user + system,
          p50Ms: quantile(latencies, 0.5),
          p99Ms: quantile(latencies, 0.99),
        });
      });
    };
    for (let i = 0; i < inFlight; i++) start();
  });
}
