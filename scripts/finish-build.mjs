// What tsc leaves undone: the CommonJS build says that it is CommonJS.
import { mkdirSync, writeFileSync } from "node:fs";

const cjs = new URL("../runtime/dist/cjs/", import.meta.url);
mkdirSync(cjs, { recursive: true });
writeFileSync(new URL("package.json", cjs), `${JSON.stringify({ type: "commonjs" })}\n`);
