import "./tracing.js";
import { build } from "./app.js";

const app = await build();

// process.on("SIGTERM", () => app.close());
process.on("SIGINT", async () => {
  await app.close();
  process.exit(0);
});

await app.listen({ host: "0.0.0.0", port: Number(process.env.PORT ?? 8080) });
