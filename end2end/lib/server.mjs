// The product, as it runs in production: the real binary, a database of its own, a mail server of its own.

import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startMail } from "./mail.mjs";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BINARY = process.env.TALLYSTICK ?? `${ROOT}/target/debug/tallystick`;
const SERVER = process.env.TALLYSTICK_TEST_DATABASE_URL;
const START_LIMIT_MS = 60_000;
const END_LIMIT_MS = 30_000;

/** A migrated database; it goes with the scratch server that it is on. */
async function createDatabase() {
  if (!SERVER) throw new Error("start these tests with: cargo xtask end2end");
  const name = `end2end_${randomBytes(6).toString("hex")}`;
  await run(process.env.CREATEDB ?? "createdb", [`--maintenance-db=${SERVER}`, name]);
  const url = SERVER.replace(/\/[^/?]*(\?|$)/, `/${name}$1`);
  await run(BINARY, ["migrate"], { cwd: ROOT, env: { ...process.env, DATABASE_URL: url } });
  return url;
}

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** A server process: started, ended, started again. */
function served({ url, port, environment, args }) {
  let log = "";
  let child;
  let exited;

  async function start() {
    child = spawn(BINARY, ["serve", "--addr", `127.0.0.1:${port}`, ...args], { cwd: ROOT, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    let alive = true;
    exited = new Promise((resolve) => child.on("exit", (code) => {
      alive = false;
      resolve(code);
    }));
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (log += bytes));
    const giveUp = Date.now() + START_LIMIT_MS;
    for (;;) {
      if (!alive) throw new Error(`tallystick ended at once:\n${log}`);
      try {
        await fetch(`${url}/sign-in`);
        return;
      } catch {
        if (Date.now() > giveUp) throw new Error(`tallystick does not answer:\n${log}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async function end(signal) {
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), END_LIMIT_MS);
    const code = await exited;
    clearTimeout(late);
    if (signal === "SIGTERM" && code !== 0) throw new Error(`tallystick did not end well (${code ?? "killed"}):\n${log}`);
  }

  return { start, end, log: () => log, kill: () => child.kill("SIGKILL") };
}

/**
 * Starts the server and waits until it answers.
 *
 * Returns `url`, `databaseUrl`, `mail` (see mail.mjs), `bootstrap`, `sample`, `log()`, `restart(signal)` and `stop()`.
 */
export async function startTallystick({ env = {}, args = [] } = {}) {
  const databaseUrl = await createDatabase();
  const port = await freePort();
  const mail = await startMail();
  const url = `http://127.0.0.1:${port}`;
  const environment = { ...process.env, DATABASE_URL: databaseUrl, SMTP_URL: mail.url, PUBLIC_URL: url, ...env };
  const server = served({ url, port, environment, args });
  try {
    await server.start();
  } catch (error) {
    // Nothing of a start that failed may keep the test process alive.
    server.kill();
    await mail.stop();
    throw error;
  }
  return {
    url,
    databaseUrl,
    mail,
    log: server.log,
    /** Creates user, organization and project if absent; the answer is an API key with all scopes. */
    async bootstrap({ email, password, organization, timeZone = "UTC", project = "main" }) {
      const settings = ["--email", email, "--password", password, "--organization", organization, "--time-zone", timeZone, "--project", project];
      const { stdout } = await run(BINARY, ["bootstrap", ...settings], { cwd: ROOT, env: environment });
      return stdout.trim();
    },
    /** Creates a sample organization of this person and fills it; the answer is its path. */
    async sample({ email, password, timeZone = "UTC" }) {
      const settings = ["--email", email, "--time-zone", timeZone];
      const { stdout } = await run(BINARY, ["sample", ...settings], { cwd: ROOT, env: { ...environment, BOOTSTRAP_PASSWORD: password } });
      return stdout.trim();
    },
    async restart(signal = "SIGTERM") {
      await server.end(signal);
      await server.start();
    },
    async stop() {
      await server.end("SIGTERM");
      await mail.stop();
    },
  };
}

/** Starts the server in local mode, with its private PostgreSQL in this folder; returns `url` and `stop()`. */
export async function startLocally(folder) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { DATABASE_URL: _database, SMTP_URL: _mail, PUBLIC_URL: _url, ...environment } = process.env;
  const server = served({ url, port, environment, args: ["--local", "--data", folder] });
  try {
    await server.start();
  } catch (error) {
    server.kill();
    throw error;
  }
  return { url, stop: () => server.end("SIGTERM") };
}
