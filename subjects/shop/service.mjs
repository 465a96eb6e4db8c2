// A service with known faults that many clients ask: Express and express-rate-limit, each fault one word of FAULTS.
//
// PORT is where it listens, CONFIGURATION a file that it reads again on SIGHUP, LIMIT how many requests a client may send
// in five seconds (none: any number).

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import express from "express";
import { rateLimit } from "express-rate-limit";

const faults = new Set((process.env.FAULTS ?? "").split(/[ ,]+/).filter(Boolean));
const has = (fault) => faults.has(fault);

const read = () => JSON.parse(readFileSync(process.env.CONFIGURATION, "utf8"));
let configuration = process.env.CONFIGURATION ? read() : { banner: "none" };

const app = express();
app.disable("x-powered-by");
// One balancer stands before it, and what that one says counts.
app.set("trust proxy", 1);
const wrong = (response, status, message) => response.status(status).json({ error: { code: status, message } });

const probes = ["/live", "/ready"];
if (process.env.LIMIT) {
  const told = !has("limit-untold");
  const keys = {
    "limit-by-forged-address": (request) => (request.get("x-forwarded-for") ?? "").split(",")[0].trim(),
    "limit-for-all": () => "all",
  };
  const key = Object.keys(keys).find(has);
  const limiter = rateLimit({
    windowMs: 5000,
    limit: Number(process.env.LIMIT),
    standardHeaders: told ? "draft-7" : false,
    legacyHeaders: false,
    skip: (request) => !has("limit-for-probes") && probes.includes(request.path),
    keyGenerator: key ? keys[key] : (request) => request.ip,
    handler: (_, response) => wrong(response, 429, "too many requests"),
    validate: false,
  });
  app.use(limiter);
}

let reloading = false;
app.use((_, response, next) => (reloading ? wrong(response, 503, "a moment") : next()));

let count = 0;
app.get(probes, (_, response) => response.json({}));
app.get("/banner", (_, response) => response.json({ banner: configuration.banner }));
app.get("/items", async (_, response) => {
  count += 1;
  if (has("slow-tail") && count % 10 === 0) await sleep(400);
  if (has("fails-sometimes") && count % 30 === 0) return wrong(response, 500, "something went wrong");
  return response.json({ items: [] });
});
app.use((_, response) => wrong(response, 404, "there is nothing here"));

const server = app.listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGHUP", async () => {
  if (has("reload-by-restart")) process.exit(0);
  if (has("reload-ignored")) return;
  if (has("reload-refuses")) {
    // Between the old and the new there is neither.
    reloading = true;
    await sleep(700);
    reloading = false;
  }
  configuration = read();
});
process.once("SIGTERM", () => server.close(() => process.exit(0)));
