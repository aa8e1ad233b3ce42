/** More than clocks are set by while a process runs, and less than a peer takes to give a silent connection up. */
const jumpMs = 10_000;

/**
 * Finds out that the process was suspended (a laptop's lid, a stopped virtual machine, SIGSTOP to a container): the wall
 * clock went on and the monotonic one did not. Peers may have dropped their connections meanwhile, and what they sent to
 * say so is lost. A clock that was set by as much looks the same, and does no harm.
 */
export class SuspendDetector {
  #offset = clockOffset();

  /** Whether it was suspended since this was last asked. */
  wasSuspended(): boolean {
    const offset = clockOffset();
    const jumped = Math.abs(offset - this.#offset) > jumpMs;
    this.#offset = offset;
    return jumped;
  }
}

function clockOffset(): number {
  return Date.now() - performance.now();
}
