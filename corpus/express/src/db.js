import pg from "pg";

export const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 10,
  connectionTimeoutMillis: 2000,
  query_timeout: 3000,
});

export async function findOrder(id) {
  const { rows } = await pool.query("SELECT id, sku, quantity FROM orders WHERE id = $1", [id]);
  return rows[0];
}

export async function insertOrder(order) {
  const { rows } = await pool.query("INSERT INTO orders (sku, quantity) VALUES ($1, $2) RETURNING id", [
    order.sku,
    order.quantity,
  ]);
  return rows[0].id;
}

export async function deleteOrder(id) {
  await pool.query("DELETE FROM orders WHERE id = $1", [id]);
}
