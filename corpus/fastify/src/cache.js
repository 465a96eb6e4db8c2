import Redis from "ioredis";

const redis = new Redis(process.env.REDIS_URL, { commandTimeout: 200, connectTimeout: 1000 });

export async function remembered(symbol) {
  const text = await redis.get(`quote:${symbol}`);
  return text ? JSON.parse(text) : undefined;
}

export async function remember(symbol, quote) {
  await redis.set(`quote:${symbol}`, JSON.stringify(quote));
}
