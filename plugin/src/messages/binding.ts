import type { MessageRef } from "../model.js";
import type { Printable } from "../printer.js";

/** Where the request and response types of a service file come from: one implementation per message library. */
export interface MessageBinding {
  /** The type of a whole message: what a user gets. */
  type(message: MessageRef): Printable;
  /** The type of what a user may pass; the same as `type` with `requests=full`. */
  init(message: MessageRef): Printable;
  /** An expression that makes the codec from `init` to bytes to `type`. */
  codec(message: MessageRef): Printable;
}
