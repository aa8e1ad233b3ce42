/**
 * Adds to package-lock.json the packages for other platforms that npm leaves out when the registry at hand does not
 * carry them: `npm ci` refuses a lock file without them. They are optional, and installed only on their platforms.
 * Run after `npm install` has changed the lock file; without anything to add it changes nothing.
 */
import { readFileSync, writeFileSync } from "node:fs";

const file = process.argv[2] ?? "package-lock.json";
const lock = JSON.parse(readFileSync(file, "utf8"));

/** The platform that a package is for, as the names of such packages tell: `@swc/core-linux-arm64-musl`. */
function platform(name) {
  const words = name.split(/[/-]/);
  const os = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
  const cpu = ["arm64", "arm", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"];
  const pick = (known, alias) => known.find((one) => words.includes(one)) ?? alias;
  const libc = words.includes("musl") ? "musl" : words.includes("gnu") ? "glibc" : undefined;
  return {
    // What runs on WebAssembly runs anywhere: said to be for a processor that nobody has, it is not tried.
    cpu: [pick(cpu, words.some((word) => word.startsWith("armv7")) ? "arm" : "wasm32")],
    ...(libc === undefined ? {} : { libc: [libc] }),
    ...(words.some((word) => os.includes(word)) ? { os: [pick(os)] } : {}),
  };
}

for (const [path, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const nested = `${path}/node_modules/${name}`;
    if (lock.packages[nested] !== undefined || lock.packages[`node_modules/${name}`] !== undefined) continue;
    if (!/^\d/.test(version)) continue; // A range is not for us to resolve.
    lock.packages[`node_modules/${name}`] = { version, ...(dev ? { dev } : {}), optional: true, ...platform(name) };
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
