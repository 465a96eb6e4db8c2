// The HTTP side: leads come in, deliveries of Clay come in, probes and Prometheus ask.

import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

import { verify } from "./signature.js";

const MOST_BYTES = 64 * 1024;
const MOST_AT_ONCE = 200;
// Requests of one client a minute.
const CLIENT_LIMIT = 600;

class Refusal extends Error {
  constructor(status, code, message, headers = {}) {
    super(message);
    Object.assign(this, { status, code, headers });
  }
}

export function createHttp(config, { outbox, sender, health, metrics, log, version, now = Date.now }) {
  let draining = false;
  let atOnce = 0;
  let clients = new Map();
  let minute = 0;

  const routes = {
    "POST /leads": intake,
    "GET /leads/:id": status,
    "POST /dead-letters/:id/replay": replay,
    "PUT /log-level": level,
    "POST /clay/callback": callback,
    "GET /live": async () => [200, { status: "alive" }],
    "GET /ready": ready,
    "GET /health": report,
    "GET /metrics": async () => [200, metrics.text(), "text/plain; version=0.0.4"],
  };
  const open = new Set(["GET /live", "GET /ready", "GET /health", "GET /metrics"]);

  function authorize(request) {
    const digest = (text) => createHash("sha256").update(text).digest();
    const given = request.headers.authorization ?? "";
    if (!timingSafeEqual(digest(given), digest(`Bearer ${config.INTAKE_TOKEN}`))) {
      throw new Refusal(401, "unauthorized", "a valid token is needed");
    }
  }

  function limit(request) {
    const current = Math.floor(now() / 60_000);
    if (current !== minute) [minute, clients] = [current, new Map()];
    const client = request.headers["x-forwarded-for"]?.split(",").at(-1)?.trim() ?? request.socket.remoteAddress;
    const seen = (clients.get(client) ?? 0) + 1;
    clients.set(client, seen);
    if (seen > CLIENT_LIMIT) throw new Refusal(429, "too_many_requests", "slow down", { "retry-after": "60" });
  }

  async function intake(request, context) {
    authorize(request);
    const lead = parse(await body(request));
    const inputs = {};
    for (const name of ["email", "domain", "company", "fullName"]) {
      const value = lead[name];
      if (value === undefined || value === null) continue;
      if (typeof value !== "string" || value.length > 320) throw new Refusal(422, "invalid_lead", `${name} is no short text`);
      if (value.trim()) inputs[name] = value.trim();
    }
    if (!inputs.email && !inputs.domain) throw new Refusal(422, "invalid_lead", "email or domain is needed");
    const { pending } = await outbox.counts();
    if (pending >= config.CLAY_OUTBOX_MAX) {
      throw new Refusal(503, "outbox_full", "too many leads wait for Clay", { "retry-after": "60" });
    }
    // The same lead within the retention is the same work: enriched once, charged once.
    const id = identity(inputs);
    const known = await outbox.find(id);
    if (!known) await outbox.accept(id, inputs, { requestId: context.requestId, traceparent: context.traceparent });
    const clay = health.clay();
    return [202, { id, state: known?.state ?? "pending", enrichment: clay.connected ? "queued" : "delayed" }];
  }

  async function status(request, context, id) {
    authorize(request);
    const found = await outbox.find(id);
    if (!found) throw new Refusal(404, "not_found", "no such lead");
    const { state, lead } = found;
    return [200, { id, state, ...(state === "done" && { result: lead.result }), ...(state === "dead" && { reason: lead.reason }) }];
  }

  async function replay(request, context, id) {
    authorize(request);
    if (!/^[0-9a-f-]{36}$/.test(id) || !(await outbox.replay(id))) throw new Refusal(404, "not_found", "no such dead letter");
    log.warn("dead letter is sent again", { leadId: id, requestId: context.requestId });
    return [202, { id, state: "pending" }];
  }

  async function level(request, context) {
    authorize(request);
    const wanted = parse(await body(request)).level;
    if (!log.setLevel(wanted)) throw new Refusal(422, "invalid_level", "level is debug, info, warn or error");
    log.warn("log level changed", { level: wanted, requestId: context.requestId });
    return [200, { level: wanted }];
  }

  async function callback(request) {
    const bytes = await body(request);
    if (!verify(config.CLAY_WEBHOOK_SECRET, bytes, request.headers["x-clay-signature"])) {
      metrics.add("clay_callbacks_total", "Deliveries of Clay", { outcome: "refused" });
      throw new Refusal(401, "bad_signature", "the signature does not fit");
    }
    const runId = parse(bytes).data?.routine_run_id;
    metrics.add("clay_callbacks_total", "Deliveries of Clay", { outcome: runId ? "run" : "test" });
    if (typeof runId === "string") {
      // The delivery has no results in it: they are fetched after the answer, and by the look at late runs if this fails.
      setImmediate(() => sender.fetchRun(runId).catch((error) => log.error("results not fetched", { runId, reason: error.name })));
    }
    return [200, { received: true }];
  }

  async function ready() {
    if (draining) throw new Refusal(503, "draining", "this replica is going down");
    await outbox.usable().catch(() => {
      throw new Refusal(503, "outbox_unusable", "the outbox cannot be reached");
    });
    return [200, { status: "ready" }];
  }

  // Clay down is a reduced service, not a broken one: the status code stays 200.
  async function report() {
    const began = now();
    const usable = await outbox.usable().then(() => true, () => false);
    const clay = health.clay();
    const state = !usable ? "unhealthy" : clay.connected && clay.breaker.state === "closed" ? "healthy" : "degraded";
    const store = { connected: usable, latencyMs: now() - began };
    return [usable ? 200 : 503, { status: state, version, dependencies: { clay, outbox: store } }];
  }

  async function handle(request, response) {
    const began = now();
    const url = new URL(request.url, "http://localhost");
    const [route, id] = find(request.method, url.pathname);
    const context = {
      requestId: /^[\w-]{1,64}$/.test(request.headers["x-request-id"] ?? "") ? request.headers["x-request-id"] : randomUUID(),
      traceparent: trace(request.headers.traceparent),
    };
    const reply = (code, value, type = "application/json", headers = {}) => {
      response.writeHead(code, {
        "content-type": type,
        "x-request-id": context.requestId,
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        ...(draining && { connection: "close" }),
        ...headers,
      });
      response.end(typeof value === "string" ? value : JSON.stringify(value));
    };
    atOnce += 1;
    let code = 500;
    try {
      if (!open.has(route)) {
        if (atOnce > MOST_AT_ONCE) throw new Refusal(503, "overloaded", "too many requests at once", { "retry-after": "1" });
        limit(request);
      }
      if (!routes[route]) throw new Refusal(404, "not_found", "no such route");
      const [status_, value, type] = await routes[route](request, context, id);
      code = status_;
      reply(code, value, type);
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500, "internal", "something went wrong");
      code = refusal.status;
      if (code === 500) log.error("request failed", { requestId: context.requestId, reason: error.code ?? error.name });
      reply(code, { error: { code: refusal.code, message: refusal.message, requestId: context.requestId } }, undefined, refusal.headers);
    } finally {
      atOnce -= 1;
      const milliseconds = now() - began;
      const label = routes[route] ? route : "other";
      metrics.add("http_requests_total", "Requests by route and status", { route: label, status: code });
      metrics.observe("http_request_duration_seconds", "Seconds until the answer", milliseconds / 1000, { route: label });
      metrics.set("http_requests_in_flight", "Requests that are being answered", atOnce);
      if (!open.has(route)) {
        const traceId = context.traceparent.split("-")[1];
        log.info("request", { requestId: context.requestId, traceId, method: request.method, route: label, status: code, milliseconds });
      }
    }
  }

  function find(method, path) {
    const exact = `${method} ${path}`;
    if (routes[exact]) return [exact];
    const lead = /^\/leads\/([^/]+)$/.exec(path);
    if (method === "GET" && lead) return ["GET /leads/:id", lead[1]];
    const dead = /^\/dead-letters\/([^/]+)\/replay$/.exec(path);
    if (method === "POST" && dead) return ["POST /dead-letters/:id/replay", dead[1]];
    return [exact];
  }

  const server = createServer((request, response) => void handle(request, response));
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  // Longer than the idle time of the load balancer before it.
  server.keepAliveTimeout = 75_000;
  return {
    server,
    drain() {
      draining = true;
    },
  };
}

async function body(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MOST_BYTES) throw new Refusal(413, "too_large", `a body has at most ${MOST_BYTES} bytes`, { connection: "close" });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parse(bytes) {
  let value;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new Refusal(400, "invalid_json", "the body is no JSON");
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Refusal(400, "invalid_json", "the body is no JSON object");
  }
  return value;
}

// A UUID made of the lead itself.
function identity(inputs) {
  const hex = createHash("sha256").update(JSON.stringify([inputs.email?.toLowerCase(), inputs.domain?.toLowerCase()])).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

// The trace that came in goes on; without one a new begins.
function trace(header) {
  const given = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(header ?? "");
  const hex = (length) => randomUUID().replaceAll("-", "").slice(0, length);
  return given ? `00-${given[1]}-${hex(16)}-${given[2]}` : `00-${hex(32)}-${hex(16)}-01`;
}
