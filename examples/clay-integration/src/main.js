// The program: configuration from the environment, an end on SIGTERM.

import { startApp } from "./app.js";
import { readConfig } from "./config.js";

let app;
try {
  app = await startApp(readConfig(process.env), { version: process.env.APP_VERSION ?? "dev" });
} catch (error) {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level: "error", message: error.message })}\n`);
  process.exit(1);
}

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    app.log.info("stopping", { signal });
    app.stop().then(() => process.exit(0), () => process.exit(1));
  });
}
process.on("unhandledRejection", (error) => {
  app.log.error("a promise was left alone", { reason: error?.code ?? error?.name });
  process.exitCode = 1;
  app.stop().finally(() => process.exit(1));
});
