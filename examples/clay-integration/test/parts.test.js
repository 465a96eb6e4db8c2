// The parts on their own: configuration, breaker, pace, outbox.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { readConfig } from "../src/config.js";
import { backoff, createBreaker, createPace } from "../src/guard.js";
import { openOutbox } from "../src/outbox.js";
import { verify } from "../src/signature.js";
import { environment } from "./harness.js";

const good = environment({ url: "https://api.clay.com/public/v0" }, "/tmp/x");

test("without a key the program says that Clay is not configured, and every wrong variable with it, none with its value", () => {
  assert.equal(readConfig(good).CLAY_ROUTINE_ID, "routine-1");
  const { CLAY_API_KEY: _, ...without } = good;
  assert.throws(() => readConfig({ ...without, PORT: "x", CLAY_WEBHOOK_SECRET: "short" }), (error) =>
    /PORT is no whole number.*CLAY_API_KEY is not set.*CLAY_WEBHOOK_SECRET is empty or too short/.test(error.message) && !error.message.includes("\"short\""));
  for (const url of ["http://api.clay.com/public/v0", "https://api.clay.com.evil.example", "https://api.clay.com@evil.example", "https://x@api.clay.com", "nothing"]) {
    assert.throws(() => readConfig({ ...good, CLAY_API_BASE_URL: url }), /CLAY_API_BASE_URL/, url);
  }
});

test("the breaker tells an outage from an empty account and a refused key", () => {
  let now = 0;
  const breaker = createBreaker({ failures: 3, openFor: 1000, now: () => now });
  for (let count = 0; count < 3; count += 1) breaker.record("unavailable");
  assert.deepEqual([breaker.state().reason, breaker.wait()], ["outage", 1000]);
  now = 1000;
  assert.equal(breaker.wait(), 0, "one trial");
  assert.equal(breaker.wait(), 1000, "and only one");
  breaker.record("unavailable");
  assert.equal(breaker.state().state, "open");
  now = 2000;
  assert.equal(breaker.wait(), 0);
  breaker.record("ok");
  assert.equal(breaker.state().state, "closed");
  breaker.record("limited");
  assert.equal(breaker.state().state, "closed", "429 is no failure");
  breaker.record("credits", { resetsAt: 9000 });
  assert.equal(breaker.wait(), 7000);
  breaker.record("auth");
  now = 1e12;
  assert.equal(breaker.wait(), Number.POSITIVE_INFINITY);
});

test("the pace spaces calls and waits when it is told to", async () => {
  const slept = [];
  const pace = createPace(10, { now: () => 0, sleep: async (milliseconds) => slept.push(milliseconds) });
  await pace.turn();
  await pace.turn();
  pace.block(5000);
  await pace.turn();
  assert.deepEqual(slept, [100, 5000]);
});

test("waits grow, vary and end", () => {
  assert.deepEqual([backoff(0, () => 0), backoff(0, () => 1), backoff(3, () => 0), backoff(20, () => 1)], [500, 1000, 4000, 60_000]);
});

test("no secret means no entry", () => {
  assert.equal(verify("", Buffer.from("x"), "sha256=00"), false);
  assert.equal(verify(undefined, Buffer.from("x"), undefined), false);
});

test("a lead is claimed once by however many replicas, recovered by none, and purged in time", async () => {
  const folder = await mkdtemp(join(tmpdir(), "outbox-"));
  try {
    let now = 1000;
    const replicas = await Promise.all([1, 2, 3].map(() => openOutbox(folder, { now: () => now })));
    const [one] = replicas;
    const id = "00000000-0000-0000-0000-000000000001";
    await one.accept(id, { email: "a@example.com" }, {});
    const claimed = (await Promise.all(replicas.map((replica) => replica.claim()))).filter(Boolean);
    assert.equal(claimed.length, 1);
    assert.equal(await one.recover(5000), 0, "it is still in hand");
    now = 10_000;
    assert.equal(await one.recover(5000), 1);
    assert.equal((await one.find(id)).state, "dead");
    assert.equal(await one.purge(5000), 0);
    now = 20_000;
    assert.equal(await one.purge(5000), 1);
    assert.equal(await one.find(id), null);
    assert.equal(await one.find("../../etc/passwd"), null);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
