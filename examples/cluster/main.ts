/** A process for each core on one port: `node main.js 127.0.0.1:50051 4`. `kill -HUP` of the primary restarts them. */
import cluster from "node:cluster";
import { availableParallelism } from "node:os";
import { supervise } from "./primary.js";
import { work } from "./worker.js";

const [address = "127.0.0.1:50051", workers = availableParallelism()] = process.argv.slice(2);
if (cluster.isPrimary) await supervise(Number(workers));
else await work(address);
