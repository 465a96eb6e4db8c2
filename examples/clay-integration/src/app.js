// Puts the parts together, starts them, and stops them in the right order.

import { createClay } from "./clay.js";
import { createBreaker, createPace } from "./guard.js";
import { createHealth } from "./health.js";
import { createLog } from "./log.js";
import { createMetrics } from "./metrics.js";
import { openOutbox } from "./outbox.js";
import { createSender } from "./sender.js";
import { createHttp } from "./server.js";

export async function startApp(config, { version = "dev", write, breaker: breakerOptions } = {}) {
  const log = createLog(config.LOG_LEVEL, write);
  const metrics = createMetrics();
  const outbox = await openOutbox(config.CLAY_OUTBOX_DIR);
  const breaker = createBreaker(breakerOptions);
  const pace = createPace(config.CLAY_REQUESTS_PER_SECOND);
  const clay = createClay(config, { metrics, log });
  const health = createHealth(config, { clay, breaker, metrics, log });
  const sender = createSender(config, { outbox, clay, pace, breaker, log, metrics });
  const http = createHttp(config, { outbox, sender, health, metrics, log, version });

  await new Promise((resolve, reject) => {
    http.server.once("error", reject);
    http.server.listen(config.PORT, resolve);
  });
  const { port } = http.server.address();
  health.start();
  sender.start();
  log.info("ready", { port, version });

  let stopping;
  // Not ready first; then no new connections, the requests under way, the calls under way.
  const stop = () => {
    stopping ??= (async () => {
      http.drain();
      health.stop();
      const closed = new Promise((resolve) => http.server.close(resolve));
      http.server.closeIdleConnections();
      const late = setTimeout(() => http.server.closeAllConnections(), config.DRAIN_SECONDS * 1000);
      await Promise.all([closed, sender.stop()]);
      clearTimeout(late);
      log.info("stopped");
    })();
    return stopping;
  };
  return { port, outbox, metrics, log, health, drain: http.drain, stop };
}
