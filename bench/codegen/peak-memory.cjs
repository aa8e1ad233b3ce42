/**
 * Loaded before a plugin: tells on file descriptor 3 how much memory its process had at most, in bytes.
 *
 * Not what getrusage says: on Linux that is never less than what the parent had when it forked. `VmHWM` begins anew with
 * the program.
 */
const { readFileSync, writeSync } = require("node:fs");

process.on("exit", () => {
  let kilobytes;
  try {
    kilobytes = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  } catch {
    kilobytes = process.resourceUsage().maxRSS;
  }
  writeSync(3, String(kilobytes * 1024));
});
