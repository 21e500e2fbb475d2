// The demo as tests need it: started, ready, ended, and nothing left of it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

const startLimit = 90_000;
const endLimit = 30_000;

// makeHome makes a folder that takes the place of the temporary and the home folder of
// everything started here, so that whatever stays behind is seen. Others may pass
// through it: PostgreSQL refuses to run as root and is started as somebody else.
export function makeHome() {
  const folder = mkdtempSync(path.join(tmpdir(), "odsd-clients-"));
  chmodSync(folder, 0o755);
  return {
    folder,
    env: { ...process.env, TMPDIR: folder, HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

// startDemo resolves once the demo's views are ready.
export async function startDemo(binary, home) {
  const flags = ["--customers", "200", "--rate", "20", "--seed", "1", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--json"];
  const child = spawn(binary, ["demo", ...flags], { cwd: home.folder, env: home.env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? code));
  });
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  const fail = (what) => new Error(`the demo ${what}\n${log}`);

  async function end() {
    child.kill("SIGTERM");
    const code = await Promise.race([ended, after(endLimit)]);
    if (code === undefined) {
      child.kill("SIGKILL"); // its databases end with it
      await ended;
      throw fail(`did not end within ${endLimit / 1000} s`);
    }
    if (code !== 0) throw fail(`ended with ${code}`);
  }

  const deadline = Date.now() + startLimit;
  const [line] = await Promise.race([
    once(createInterface(child.stdout), "line"),
    ended.then((code) => { throw fail(`ended with ${code} before it listened`); }),
    after(startLimit).then(() => []),
  ]);
  try {
    if (!line) throw fail("did not listen in time");
    const { graphql } = JSON.parse(line);
    while (!(await fetch(new URL("/readyz", graphql))).ok) {
      if (Date.now() > deadline) throw fail("was not ready in time");
      await after(100);
    }
    return { graphql, end };
  } catch (error) {
    await end();
    throw error;
  }
}

function after(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

// leftBehind lists files in the folder, and processes that were started with it.
export function leftBehind(home) {
  const left = readdirSync(home.folder).map((name) => `file ${name}`);
  for (const pid of processes()) {
    try {
      const started = readFileSync(`/proc/${pid}/environ`, "latin1") + readFileSync(`/proc/${pid}/cmdline`, "latin1");
      if (started.includes(home.folder)) left.push(`process ${pid} ${readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ")}`);
    } catch {
      // It has ended meanwhile, or is somebody else's.
    }
  }
  return left;
}

function processes() {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  } catch {
    return []; // a system without /proc
  }
}
