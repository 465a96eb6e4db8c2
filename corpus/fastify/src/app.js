import rateLimit from "@fastify/rate-limit";
import Fastify from "fastify";
import { remember, remembered } from "./cache.js";
import { history, latest } from "./market.js";

const quoteParams = {
  type: "object",
  required: ["symbol"],
  properties: { symbol: { type: "string", pattern: "^[A-Z]{1,6}$" } },
};

const alertBody = {
  type: "object",
  required: ["symbol", "above"],
  additionalProperties: false,
  properties: { symbol: { type: "string" }, above: { type: "number" } },
};

export async function build() {
  const app = Fastify({ logger: { level: "info" }, bodyLimit: 16384, genReqId: () => crypto.randomUUID() });

  await app.register(rateLimit, { max: 120, timeWindow: "1 minute" });

  app.get("/health", async () => ({ status: "ok" }));

  app.get("/quotes/:symbol", { schema: { params: quoteParams } }, async (request) => {
    const { symbol } = request.params;
    const known = await remembered(symbol);
    if (known) {
      return known;
    }
    const quote = await latest(symbol);
    await remember(symbol, quote);
    return quote;
  });

  app.get("/quotes/:symbol/history", { schema: { params: quoteParams } }, async (request) => {
    return history(request.params.symbol);
  });

  app.post("/alerts", { schema: { body: alertBody } }, async (request, reply) => {
    request.log.info({ symbol: request.body.symbol }, "alert stored");
    reply.code(202);
    return { accepted: true };
  });

  return app;
}
