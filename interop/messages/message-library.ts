/** Where the messages of a Trunkline client or server come from. */
import type { Channel, ServiceRegistrar } from "@trunkline/runtime";
import type { Clients, TestService } from "../service.js";

export interface MessageLibrary {
  clients(channel: Channel): Clients;
  register(server: ServiceRegistrar, service: TestService): void;
}
