// Starts the service against a fake Clay, in a folder of its own.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startApp } from "../src/app.js";
import { readConfig } from "../src/config.js";
import { sign } from "../src/signature.js";
import { startFakeClay } from "./fake_clay.js";

export const TOKEN = ["intake", "for", "tests"].join("-");
export const SECRET = ["signing", "for", "tests"].join("-");
const KEY = ["clay", "for", "tests"].join("-");

export function environment(fake, folder, more = {}) {
  return {
    PORT: "0",
    INTAKE_TOKEN: TOKEN,
    CLAY_API_KEY: KEY,
    CLAY_WEBHOOK_SECRET: SECRET,
    CLAY_API_BASE_URL: fake.url,
    CLAY_ROUTINE_ID: "routine-1",
    CLAY_WORKSPACE_ID: "ws-test",
    CLAY_TIMEOUT_MS: "300",
    CLAY_REQUESTS_PER_SECOND: "200",
    CLAY_OUTBOX_DIR: folder,
    CLAY_CALLBACK_WAIT_SECONDS: "3600",
    ...more,
  };
}

export async function withService(test, more = {}) {
  const fake = await startFakeClay();
  const folder = await mkdtemp(join(tmpdir(), "clay-integration-"));
  const lines = [];
  const start = () => startApp(readConfig(environment(fake, folder, more)), { write: (line) => lines.push(line) });
  const service = { fake, folder, lines, app: await start() };
  service.restart = async () => {
    await service.app.stop();
    service.app = await start();
  };
  service.call = async (method, path, { body, headers = {}, token = TOKEN } = {}) => {
    const response = await fetch(`http://127.0.0.1:${service.app.port}${path}`, {
      method,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
      body: typeof body === "string" || body === undefined ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: text.startsWith("{") ? JSON.parse(text) : null };
  };
  service.deliver = (body, signature = sign(SECRET, body)) =>
    service.call("POST", "/clay/callback", { body, headers: { ...(signature && { "x-clay-signature": signature }) }, token: null });
  try {
    await test(service);
  } finally {
    await service.app.stop();
    await fake.close();
    await rm(folder, { recursive: true, force: true });
  }
}

// Waits until something is true; says what was not.
export async function eventually(what, holds, milliseconds = 4000) {
  const end = Date.now() + milliseconds;
  while (Date.now() < end) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not in ${milliseconds} ms: ${what}`);
}
