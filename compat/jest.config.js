// npm run compat: what takes too long, or too much to install, for npm test.
import root from "../jest.config.js";

export default {
  ...root,
  rootDir: "..",
  roots: ["<rootDir>/compat/test"],
  testMatch: ["<rootDir>/compat/test/**/*.test.ts"],
  testTimeout: 120_000,
};
