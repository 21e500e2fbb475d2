// Runs test/*.test.mjs against a demo of its own, and fails if anything of it stays behind.
//
//   node run.mjs [--rewrite] [FILE…]
//
// ODSD is the binary, ../bin/odsd unless told. --rewrite has schema.graphql say what the
// schema is now. A demo that runs already can be tested with ODSD_URL=http://…/graphql node --test test/
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { leftBehind, makeHome, startDemo } from "./demo.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const rewrite = args.includes("--rewrite");
let files = args.filter((arg) => arg !== "--rewrite");
if (files.length === 0) {
  files = readdirSync(path.join(here, "test")).filter((name) => name.endsWith(".test.mjs")).map((name) => path.join("test", name));
}

const home = makeHome();
let tests;
let told = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    told = true; // what was started is ended below
    tests?.kill(signal);
  });
}

async function runTests(graphql) {
  const shots = process.env.ODSD_SCREENSHOTS ?? path.join(tmpdir(), "odsd-clients"); // to be looked at afterwards
  const env = { ...home.env, ODSD: binary, ODSD_URL: graphql, ODSD_REWRITE: rewrite ? "1" : "", ODSD_SCREENSHOTS: shots };
  tests = spawn(process.execPath, ["--test", "--test-reporter=spec", ...files], { cwd: here, env, stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve, reject) => {
    tests.once("error", reject);
    tests.once("exit", (code) => resolve(code === 0));
  });
}

const binary = path.resolve(process.env.ODSD ?? path.join(here, "../bin/odsd"));
let passed = false;
try {
  const demo = await startDemo(binary, home);
  try {
    passed = !told && (await runTests(demo.graphql));
  } finally {
    await demo.end();
  }
  const left = leftBehind(home);
  if (left.length > 0) {
    passed = false;
    console.error(`left behind by the demo or the tests:\n  ${left.join("\n  ")}`);
  }
} catch (error) {
  passed = false;
  console.error(error.message);
} finally {
  home.remove();
}
process.exitCode = passed ? 0 : 1;
