/**
 * One listener of ours for each signal, however many calls it cancels: Node.js warns of a leak where a signal has more
 * than ten, and a signal that lives as long as its program has as many as there are calls in flight.
 */
const fanOuts = new WeakMap<AbortSignal, Set<(signal: AbortSignal) => void>>();

/** Calls `listener` when `signal` aborts; not where it has. Returns what takes that back. */
export function onAbort(signal: AbortSignal, listener: (signal: AbortSignal) => void): () => void {
  let listeners = fanOuts.get(signal);
  if (listeners === undefined) {
    listeners = new Set();
    fanOuts.set(signal, listeners);
  }
  if (listeners.size === 0) signal.addEventListener("abort", fanOut, { once: true });
  listeners.add(listener);
  return () => {
    if (!listeners.delete(listener) || listeners.size > 0) return;
    signal.removeEventListener("abort", fanOut);
  };
}

function fanOut(event: Event): void {
  const signal = event.target as AbortSignal;
  const listeners = fanOuts.get(signal) ?? new Set();
  for (const listener of [...listeners]) {
    // One that an earlier one has taken away is not called.
    if (listeners.delete(listener)) listener(signal);
  }
}
