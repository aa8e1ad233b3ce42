// Tests run on the sources, as ES modules; tests of what is shipped run the built files in processes of their own.
export default {
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "es6" }, sourceMaps: "inline" },
    ],
  },
  moduleNameMapper: {
    "^@trunkline/runtime$": "<rootDir>/runtime/src/index.ts",
    "^@trunkline/runtime/(.*)$": "<rootDir>/runtime/src/$1.ts",
    "^(\\.{1,2}/.*)\\.js$": "$1",
  },
  modulePathIgnorePatterns: ["<rootDir>/runtime/dist", "<rootDir>/plugin/dist"],
  testTimeout: 20_000,
  // Tests wait for sockets more than they compute: two cores are busy with two, where jest would leave one alone.
  maxWorkers: 2,
};
