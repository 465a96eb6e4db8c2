import { randomUUID } from "node:crypto";
import express from "express";
import rateLimit from "express-rate-limit";
import jwt from "jsonwebtoken";
import { z } from "zod";
import { deleteOrder, findOrder, insertOrder, pool } from "./db.js";
import { log } from "./log.js";
import { exposed, measure } from "./metrics.js";
import { charge } from "./payments.js";
import { available, ping } from "./stock.js";

const Order = z.object({ sku: z.string().max(40), quantity: z.number().int().positive().max(100) });

// Tracing is set up in the next version: new NodeSDK({ traceExporter: new OTLPTraceExporter() }).start()

function requestId(req, res, next) {
  req.id = req.get("x-request-id") ?? randomUUID();
  res.set("x-request-id", req.id);
  req.log = log.child({ requestId: req.id });
  next();
}

function requireUser(req, res, next) {
  try {
    const token = (req.get("authorization") ?? "").replace("Bearer ", "");
    req.user = jwt.verify(token, process.env.JWT_PUBLIC_KEY, { algorithms: ["RS256"] });
    next();
  } catch {
    res.status(401).json({ error: { code: "unauthenticated" } });
  }
}

export const app = express();
app.disable("x-powered-by");
app.use(requestId);
app.use(measure);
app.use(rateLimit({ windowMs: 60_000, limit: 300 }));
app.use(express.json({ limit: "100kb" }));

app.get("/livez", (req, res) => {
  res.json({ status: "ok" });
});

app.get("/readyz", async (req, res) => {
  const [database, stock] = await Promise.allSettled([pool.query("SELECT 1"), ping()]);
  const up = database.status === "fulfilled" && stock.status === "fulfilled";
  res.status(up ? 200 : 503).json({ database: database.status, stock: stock.status });
});

app.get("/metrics", exposed);

app.get("/orders/:id", requireUser, async (req, res, next) => {
  try {
    const order = await findOrder(req.params.id);
    if (!order) {
      res.status(404).json({ error: { code: "not_found" } });
      return;
    }
    res.json(order);
  } catch (error) {
    next(error);
  }
});

app.post("/orders", requireUser, async (req, res, next) => {
  try {
    const order = Order.parse(req.body);
    if ((await available(order.sku)) < order.quantity) {
      res.status(409).json({ error: { code: "out_of_stock" } });
      return;
    }
    const payment = await charge(order);
    const id = await insertOrder(order);
    console.log("order placed", id, payment);
    res.status(201).json({ id });
  } catch (error) {
    next(error);
  }
});

app.delete("/orders/:id", async (req, res, next) => {
  try {
    await deleteOrder(req.params.id);
    res.status(204).end();
  } catch (error) {
    next(error);
  }
});

// eslint-disable-next-line no-unused-vars
app.use((error, req, res, next) => {
  req.log.error({ err: error }, "request failed");
  const status = error instanceof z.ZodError ? 422 : 500;
  res.status(status).json({ error: { code: status === 422 ? "invalid" : "internal" } });
});
