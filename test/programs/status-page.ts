/** Serves a status page and says where. Unless it is told to stay, it has nothing else to do once somebody looks. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "@trunkline/runtime";
import { statusPage } from "@trunkline/runtime/status-page";

const handle = statusPage(new Server(), { everyMs: 100 });
const page = createServer((request, response) => {
  handle(request, response);
  if (process.argv[2] !== "stay") page.unref();
});
page.listen(0, "127.0.0.1", () => console.log((page.address() as AddressInfo).port));
