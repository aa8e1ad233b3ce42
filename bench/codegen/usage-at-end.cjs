/**
 * Loaded before a plugin: tells on file descriptor 3 what its process has used at its end, as JSON: CPU in microseconds,
 * of all threads, and the most memory that it had, in bytes.
 *
 * Not the memory that getrusage says: on Linux that is never less than what the parent had when it forked. `VmHWM` begins
 * anew with the program.
 */
const { readFileSync, writeSync } = require("node:fs");

process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  let kilobytes;
  try {
    kilobytes = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  } catch {
    kilobytes = maxRSS;
  }
  writeSync(3, JSON.stringify({ cpuMicros: userCPUTime + systemCPUTime, peakBytes: kilobytes * 1024 }));
});
