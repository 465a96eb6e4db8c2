import axios from "axios";
import axiosRetry from "axios-retry";

const client = axios.create({ baseURL: process.env.STOCK_URL, timeout: 1500 });
axiosRetry(client, { retries: 3, retryDelay: axiosRetry.exponentialDelay });

export async function available(sku) {
  const { data } = await client.get(`/stock/${encodeURIComponent(sku)}`);
  return data.available;
}

export async function ping() {
  await client.get("/livez");
}
