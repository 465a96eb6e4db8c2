// Whether Clay answers, and how fast: asked in the background for nothing, kept, and never waited for.

export function createHealth(config, { clay, breaker, metrics, log, now = Date.now }) {
  let known = { connected: false, reason: "not asked yet", latencyMs: null, checkedAt: null, lastSuccess: null };
  let timer;

  async function ask() {
    const began = now();
    const answer = await clay.me();
    const workspace = String(answer.body?.workspace?.id ?? "");
    const right = workspace === config.CLAY_WORKSPACE_ID;
    const connected = answer.kind === "ok" && right;
    const reason = connected ? null : answer.kind === "ok" ? "wrong workspace" : answer.kind;
    known = {
      connected,
      reason,
      latencyMs: now() - began,
      checkedAt: new Date(now()).toISOString(),
      lastSuccess: connected ? new Date(now()).toISOString() : known.lastSuccess,
    };
    metrics.set("clay_connected", "1 while Clay answers with the right workspace", connected ? 1 : 0);
    if (!connected) log.warn("clay is not healthy", { reason });
  }

  return {
    ask,
    start() {
      const again = () => {
        ask()
          .catch((error) => log.error("the look at clay failed", { reason: error.name }))
          .finally(() => {
            timer = setTimeout(again, config.CLAY_HEALTH_SECONDS * 1000);
            timer.unref();
          });
      };
      again();
    },
    stop: () => clearTimeout(timer),
    clay: () => ({ ...known, breaker: breaker.state() }),
  };
}
