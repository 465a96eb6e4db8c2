import axios from "axios";
import CircuitBreaker from "opossum";

const client = axios.create({ baseURL: process.env.PAYMENTS_URL, timeout: 2000 });

async function send(charge) {
  const { data } = await client.post("/charges", charge);
  return data.id;
}

const breaker = new CircuitBreaker(send, { errorThresholdPercentage: 50, resetTimeout: 10000 });

export async function charge(order) {
  return breaker.fire({ sku: order.sku, quantity: order.quantity });
}
