import { isThenable } from "./thenable.js";

/** Calls a user's function that is not part of the call: what it throws, at once or later, is printed and harms nobody. */
export function callHook<T>(name: string, hook: () => T): T | undefined {
  const onThrown = (error: unknown) => console.error(`${name} threw`, error);
  try {
    const result = hook();
    if (isThenable(result)) result.then(undefined, onThrown);
    return result;
  } catch (error) {
    onThrown(error);
    return undefined;
  }
}
