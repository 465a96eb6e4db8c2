// The service end to end, with Clay faked on loopback.

import assert from "node:assert/strict";
import { test } from "node:test";

import { sign } from "../src/signature.js";
import { SECRET, eventually, withService } from "./harness.js";

const LEAD = { email: "ada@example.com", domain: "example.com", company: "", fullName: null };

const state = async ({ call }, id) => (await call("GET", `/leads/${id}`)).body?.state;

test("a lead is accepted, sent once with the exact payload, and enriched by a signed callback", () =>
  withService(async (service) => {
    const { call, fake, deliver } = service;
    const accepted = await call("POST", "/leads", { body: LEAD, headers: { "x-request-id": "req-a" } });
    assert.equal(accepted.status, 202);
    assert.equal(accepted.headers.get("x-request-id"), "req-a");
    const { id } = accepted.body;
    await eventually("it runs", async () => (await state(service, id)) === "running");
    const [run] = fake.runs();
    assert.equal(run.path, "/public/v0/routines/routine-1/run");
    // Empty fields are left out, so that they erase nothing.
    assert.deepEqual(run.body, { items: [{ id, inputs: { email: "ada@example.com", domain: "example.com" } }] });
    assert.equal(run.headers["x-request-id"], "req-a");
    assert.match(run.headers.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);

    fake.results = () => ({ status: "complete", total: 1, finished: 1, data: [{ id, status: "success", outputs: { title: "Countess" } }] });
    const delivery = JSON.stringify({ webhookId: "w", createdAt: "2026-11-22T00:00:00Z", data: { routine_run_id: "run-1" } });
    assert.equal((await deliver(delivery)).status, 200);
    await eventually("it is done", async () => (await state(service, id)) === "done");
    // Again: no effect.
    assert.equal((await deliver(delivery)).status, 200);
    assert.deepEqual((await call("GET", `/leads/${id}`)).body.result, { title: "Countess" });
    assert.equal((await call("POST", "/leads", { body: LEAD })).body.state, "done");
    assert.equal(fake.runs().length, 1);
  }));

test("forged deliveries are refused, and the test delivery does nothing", () =>
  withService(async ({ deliver, fake }) => {
    const body = JSON.stringify({ data: { routine_run_id: "run-9" } });
    const good = sign(SECRET, body);
    for (const signature of [null, "", "sha256=", good.slice(7), good.slice(0, -2), `${good}0`, sign("another-secret", body)]) {
      assert.equal((await deliver(body, signature)).status, 401, String(signature));
    }
    assert.equal((await deliver(JSON.stringify(JSON.parse(body), null, 1), good)).status, 401);
    assert.equal((await deliver(JSON.stringify({ webhookId: "w", data: {} }))).status, 200);
    assert.equal((await deliver("x".repeat(70_000))).status, 413);
    assert.equal(fake.seen.filter((one) => one.path.includes("/results")).length, 0);
  }));

test("429 waits as long as Clay says, and the lead is sent again", () =>
  withService(async (service) => {
    const { call, fake } = service;
    fake.script = [{ status: 429, headers: { "retry-after": "1" } }];
    const began = Date.now();
    const { id } = (await call("POST", "/leads", { body: LEAD })).body;
    await eventually("it runs", async () => (await state(service, id)) === "running");
    assert.ok(Date.now() - began >= 1000, "it waited a second");
    assert.equal(fake.runs().length, 2);
  }));

test("402 and 401 stop the calls, keep the lead, and show in health", async () => {
  for (const [status, reason] of [[402, "credits"], [401, "auth"], [403, "forbidden"]]) {
    await withService(async (service) => {
      const { call, fake } = service;
      fake.script = [{ status, body: { message: "no", resets_at: new Date(Date.now() + 60_000).toISOString() } }];
      const { id } = (await call("POST", "/leads", { body: LEAD })).body;
      await eventually("the breaker is open", async () => (await call("GET", "/health")).body.dependencies.clay.breaker.reason === reason);
      await call("POST", "/leads", { body: { email: "b@example.com" } });
      await new Promise((resolve) => setTimeout(resolve, 400));
      assert.equal(fake.runs().length, 1, `${status} is not tried again`);
      assert.equal(await state(service, id), "pending");
      const health = await call("GET", "/health");
      assert.deepEqual([health.status, health.body.status], [200, "degraded"]);
    });
  }
});

test("what Clay may have taken is not sent twice", () =>
  withService(async (service) => {
    const { call, fake } = service;
    fake.hang = true;
    const { id } = (await call("POST", "/leads", { body: LEAD })).body;
    await eventually("it needs a person", async () => (await state(service, id)) === "dead");
    assert.equal(fake.runs().length, 1);
    fake.hang = false;
    assert.equal((await call("POST", `/dead-letters/${id}/replay`)).status, 202);
    await eventually("it runs", async () => (await state(service, id)) === "running");
    assert.equal((await call("POST", `/dead-letters/${id}/replay`)).status, 404);
  }));

test("permanent answers and items that failed inside a complete run go to the dead letters", async () => {
  for (const status of [400, 404, 413, 422, 500]) {
    await withService(async (service) => {
      service.fake.script = [{ status }];
      const { id } = (await service.call("POST", "/leads", { body: LEAD })).body;
      await eventually(`${status} is dead`, async () => (await state(service, id)) === "dead");
      assert.equal(service.fake.runs().length, 1);
    });
  }
  await withService(async (service) => {
    const { id } = (await service.call("POST", "/leads", { body: LEAD })).body;
    await eventually("it runs", async () => (await state(service, id)) === "running");
    service.fake.results = () => ({ status: "complete", total: 1, finished: 1, data: [{ id, status: "failed", error: "x" }] });
    await service.deliver(JSON.stringify({ data: { routine_run_id: "run-1" } }));
    await eventually("it is dead", async () => (await state(service, id)) === "dead");
  });
});

test("a callback that never comes is made up for by asking", () =>
  withService(async (service) => {
    const { id } = (await service.call("POST", "/leads", { body: LEAD })).body;
    service.fake.results = () => ({ status: "complete", total: 1, finished: 1, data: [{ id, status: "success", outputs: {} }] });
    await eventually("it is done", async () => (await state(service, id)) === "done", 8000);
  }, { CLAY_CALLBACK_WAIT_SECONDS: "1" }));

test("nothing accepted is lost when Clay is away and the service starts again", () =>
  withService(async (service) => {
    const { call, fake } = service;
    fake.script = Array.from({ length: 5 }, () => ({ status: 503 }));
    const ids = [];
    for (let count = 0; count < 5; count += 1) {
      ids.push((await call("POST", "/leads", { body: { email: `lead${count}@example.com` } })).body.id);
    }
    await service.restart();
    fake.script = [];
    for (const id of ids) {
      await eventually("it runs", async () => (await state(service, id)) === "running", 8000);
    }
    assert.equal(new Set(fake.runs().filter((one) => one.body.items).map((one) => one.body.items[0].id)).size, 5);
  }));

test("health is quick, names its dependencies and stays 200 when Clay hangs; the wrong workspace is no health", () =>
  withService(async ({ call, fake, app }) => {
    await app.health.ask();
    const healthy = await call("GET", "/health");
    assert.equal(healthy.body.status, "healthy");
    assert.equal(typeof healthy.body.dependencies.clay.latencyMs, "number");
    const asked = fake.seen.length;
    await call("GET", "/health");
    assert.equal(fake.seen.length, asked, "the answer is kept");
    fake.hang = true;
    const slow = app.health.ask();
    const began = Date.now();
    assert.equal((await call("GET", "/health")).status, 200);
    assert.ok(Date.now() - began < 200, "nobody waits for Clay");
    await slow;
    assert.equal((await call("GET", "/health")).body.status, "degraded");
    fake.hang = false;
    fake.workspace = "ws-of-staging";
    await app.health.ask();
    assert.equal((await call("GET", "/health")).body.dependencies.clay.reason, "wrong workspace");
  }));

test("readiness ends before the listener, and requests under way are answered", () =>
  withService(async ({ call, app }) => {
    assert.equal((await call("GET", "/ready")).status, 200);
    app.drain();
    assert.equal((await call("GET", "/ready")).status, 503);
    assert.equal((await call("POST", "/leads", { body: LEAD })).status, 202);
    assert.equal((await call("GET", "/live")).status, 200);
  }));

test("every refusal has the same envelope, and the door needs a token", () =>
  withService(async ({ call }) => {
    for (const [method, path, options, status] of [
      ["POST", "/leads", { body: LEAD, token: "wrong" }, 401],
      ["GET", "/leads/x", { token: null }, 401],
      ["POST", "/leads", { body: "{" }, 400],
      ["POST", "/leads", { body: "[]" }, 400],
      ["POST", "/leads", { body: { company: "x" } }, 422],
      ["POST", "/leads", { body: { email: 7 } }, 422],
      ["POST", "/leads", { body: "x".repeat(70_000) }, 413],
      ["GET", "/nothing", {}, 404],
      ["GET", "/leads/..%2f..%2fetc", {}, 404],
    ]) {
      const refused = await call(method, path, options);
      assert.equal(refused.status, status, `${method} ${path}`);
      assert.deepEqual(Object.keys(refused.body.error), ["code", "message", "requestId"]);
    }
  }));

test("a full outbox and a loud client are told to wait", () =>
  withService(async ({ call, fake }) => {
    fake.script = [{ status: 402 }, { status: 402 }];
    await call("POST", "/leads", { body: { email: "a@example.com" } });
    await call("POST", "/leads", { body: { email: "b@example.com" } });
    await eventually("it is full", async () => (await call("POST", "/leads", { body: { email: "c@example.com" } })).status === 503);
    const loud = Array.from({ length: 700 }, () => call("GET", "/nothing", { headers: { "x-forwarded-for": "192.0.2.7" } }));
    const answers = await Promise.all(loud);
    const limited = answers.find((one) => one.status === 429);
    assert.ok(limited, "one of 700 is refused");
    assert.equal(limited.headers.get("retry-after"), "60");
    assert.equal((await call("GET", "/live", { headers: { "x-forwarded-for": "192.0.2.7" } })).status, 200);
  }, { CLAY_OUTBOX_MAX: "1" }));

test("logs are JSON and carry neither persons nor keys", () =>
  withService(async (service) => {
    const canary = "canary.person@example.com";
    const { id } = (await service.call("POST", "/leads", { body: { email: canary, fullName: "Canary Person" } })).body;
    await eventually("it runs", async () => (await state(service, id)) === "running");
    await service.call("PUT", "/log-level", { body: { level: "error" } });
    const before = service.lines.length;
    await service.call("GET", "/leads/none");
    assert.equal(service.lines.length, before, "the level holds at once");
    const all = service.lines.join("");
    for (const secret of [canary, "Canary", "clay-for-tests", SECRET, "intake-for-tests"]) assert.ok(!all.includes(secret), secret);
    for (const line of service.lines) {
      const { time, level, message } = JSON.parse(line);
      assert.ok(time && level && message);
    }
  }));

test("metrics have the series that alerts ask for from the start", () =>
  withService(async ({ call }) => {
    const { text } = await call("GET", "/metrics", { token: null });
    for (const status of ["401", "403", "429", "500", "timeout"]) assert.match(text, new RegExp(`clay_requests_total\\{status="${status}"\\} 0`));
    await call("GET", "/leads/none");
    const later = (await call("GET", "/metrics", { token: null })).text;
    assert.match(later, /http_request_duration_seconds_bucket\{route="GET \/leads\/:id",le="5"\} 1/);
  }));
