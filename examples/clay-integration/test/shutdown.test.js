// The program itself: it refuses to start half configured, and ends by itself on SIGTERM.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { startFakeClay } from "./fake_clay.js";
import { environment, eventually } from "./harness.js";

function program(variables) {
  const child = spawn(process.execPath, ["src/main.js"], { env: { PATH: process.env.PATH, ...variables } });
  const seen = { text: "" };
  child.stdout.on("data", (part) => (seen.text += part));
  child.stderr.on("data", (part) => (seen.text += part));
  const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
  return { child, seen, ended };
}

test("it does not start without its configuration", async () => {
  const { seen, ended } = program({});
  assert.equal((await ended).code, 1);
  assert.match(JSON.parse(seen.text).message, /CLAY_API_KEY is not set/);
});

test("it drains and exits with 0 on SIGTERM", async () => {
  const fake = await startFakeClay();
  const folder = await mkdtemp(join(tmpdir(), "clay-integration-"));
  try {
    const { child, seen, ended } = program(environment(fake, folder));
    await eventually("it is ready", () => seen.text.includes('"ready"'));
    child.kill("SIGTERM");
    assert.deepEqual(await ended, { code: 0, signal: null });
    assert.match(seen.text, /"stopped"/);
  } finally {
    await fake.close();
    await rm(folder, { recursive: true, force: true });
  }
});
