// A service with known faults: Express in front, undici and opossum behind, each fault one word of the variable FAULTS.
//
// Without faults it does everything right that the experiments ask for; with one it differs in that thing only. PORT is
// where it listens, BACKEND what it calls.

import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import express from "express";
import CircuitBreaker from "opossum";
import { Agent, request } from "undici";

const faults = new Set((process.env.FAULTS ?? "").split(/[ ,]+/).filter(Boolean));
const has = (fault) => faults.has(fault);
const backend = process.env.BACKEND.replace(/\/$/, "");
const [EACH, ALL] = [700, 2000];

class ForNow extends Error {
  constructor(after = 0) {
    super("for now");
    this.after = after;
  }
}

function trust() {
  // A signal is not heard before there is a connection.
  const timeout = has("tls-handshake-unbounded") || has("no-timeout") ? 0 : EACH;
  if (has("tls-unverified")) return { timeout, rejectUnauthorized: false };
  if (has("tls-any-name")) return { timeout, checkServerIdentity: () => undefined };
  return { timeout };
}

// No second try changes it.
class Refused extends Error {
  constructor(status) {
    super("refused");
    this.status = status;
  }
}

const agent = new Agent({
  headersTimeout: has("no-timeout") ? 0 : EACH,
  connect: trust(),
  bodyTimeout: has("no-timeout") || has("timeout-on-headers-only") ? 0 : EACH,
});

async function once(method, path, body) {
  const bounded = !has("no-timeout") && !has("timeout-on-headers-only");
  let answer;
  let text;
  try {
    const signal = bounded ? AbortSignal.timeout(EACH) : undefined;
    answer = await request(backend + path, { method, body, dispatcher: agent, signal });
    text = await answer.body.text();
  } catch {
    throw new ForNow();
  }
  if (answer.statusCode === 429 || answer.statusCode >= 500) {
    throw new ForNow(has("retry-ignores-retry-after") ? 0 : Number(answer.headers["retry-after"] ?? 0) * 1000);
  }
  if (answer.statusCode >= 400) {
    if (has("refused-repeated")) throw new ForNow();
    throw new Refused(answer.statusCode);
  }
  return text;
}

const breaker = new CircuitBreaker(once, {
  timeout: false,
  errorThresholdPercentage: 50,
  volumeThreshold: 20,
  rollingCountTimeout: 3000,
  errorFilter: (error) => error instanceof Refused,
  resetTimeout: has("breaker-never-closes") ? 1e9 : 3000,
});
const guarded = (...call) => (has("no-breaker") ? once(...call) : breaker.fire(...call));

function wait(attempt) {
  const grown = has("retry-without-growth") ? 60 : 60 * 2 ** (attempt - 1);
  return has("retry-without-jitter") ? grown : Math.random() * grown;
}

async function call(method, path, body) {
  const repeatable = method !== "POST" || has("retry-repeats-post");
  const attempts = repeatable && !has("no-retry") ? 3 : 1;
  const begin = Date.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await guarded(method, path, body);
    } catch (error) {
      if (!(error instanceof ForNow) || attempt >= attempts) throw error;
      const after = Math.max(error.after, wait(attempt));
      if (Date.now() - begin + after > ALL && !has("no-timeout")) throw error;
      await sleep(after);
    }
  }
}

const state = { ready: true, backend: true, met: false };
async function watch() {
  for (;;) {
    try {
      const answer = await request(`${backend}/ping`, { signal: AbortSignal.timeout(500) });
      await answer.body.dump();
      state.backend = answer.statusCode < 400;
      state.met ||= state.backend;
    } catch {
      state.backend = false;
    }
    await sleep(1000, undefined, { ref: false });
  }
}
void watch();

// What is right starts without anybody, and is ready once it met its backend.
let started = true;
if (["start-exits-silently", "start-gives-up"].some(has)) {
  try {
    const answer = await request(`${backend}/ping`, { signal: AbortSignal.timeout(500) });
    await answer.body.dump();
  } catch {
    if (has("start-exits-silently")) process.exit(1);
    started = false;
  }
}

const app = express();
app.disable("x-powered-by");
const wrong = (response, status, message) => response.status(status).json({ error: { code: status, message } });
const answered = async (response, ...args) => {
  try {
    response.json({ bytes: (await call(...args)).length });
  } catch (error) {
    if (has("refused-passed-on") && error instanceof Refused) return wrong(response, error.status, "refused");
    wrong(response, 503, "the backend does not answer");
  }
};
app.use((_, response, next) => {
  if (!state.ready && !has("waits-for-keep-alive")) response.set("connection", "close");
  next();
});
app.get("/live", async (_, response) => {
  if (has("liveness-asks-backend")) {
    try {
      const answer = await request(`${backend}/ping`, { signal: AbortSignal.timeout(500) });
      await answer.body.dump();
    } catch {
      return wrong(response, 503, "not alive");
    }
  }
  return response.json({});
});
app.get("/ready", (_, response) => (state.ready && started && state.met ? response.json({}) : wrong(response, 503, "not ready")));
app.get("/health", (_, response) => {
  const well = state.backend || has("health-constant");
  const dependencies = has("health-vague") ? undefined : { backend: { status: well ? "up" : "down" } };
  response.json({ status: well ? "ok" : "degraded", dependencies });
});
app.get("/items", (_, response) => answered(response, "GET", "/items"));
app.post("/orders", express.text({ type: "*/*" }), (from, response) => answered(response, "POST", "/orders", from.body));
app.get("/local", (_, response) => response.json({ ok: true }));
app.use((_, response) => wrong(response, 404, "there is nothing here"));

const beside = has("liveness-beside");
const server = app.listen(beside ? 0 : Number(process.env.PORT), "127.0.0.1", () => {
  if (!beside) return;
  const front = fileURLToPath(new URL("beside.mjs", import.meta.url));
  const { port } = server.address();
  spawn(process.execPath, [front, process.env.PORT, port], { detached: true, stdio: ["pipe", "inherit", "inherit"] });
});
if (has("waits-for-keep-alive")) server.keepAliveTimeout = 600_000;
if (!has("exits-at-once")) {
  process.once("SIGTERM", async () => {
    if (has("drops-in-flight")) process.exit(0);
    if (!has("readiness-after-listener")) {
      state.ready = false;
      await sleep(800);
    }
    // What comes on a connection that was busy is told to go.
    state.ready = false;
    server.close(() => process.exit(has("exit-code-1") ? 1 : 0));
    if (!has("waits-for-keep-alive")) server.closeIdleConnections();
  });
}
