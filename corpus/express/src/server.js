import { app } from "./app.js";
import { pool } from "./db.js";
import { log } from "./log.js";

const server = app.listen(Number(process.env.PORT ?? 8080), () => log.info("listening"));

process.on("SIGTERM", () => {
  log.info("draining");
  server.close(async () => {
    try {
      await pool.end();
    } catch {}
    process.exit(0);
  });
});
