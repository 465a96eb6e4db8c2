// What stands between the service and Clay: a pace, a bound on calls at once, and a breaker that knows why it is open.

export function createPace(perSecond, { now = Date.now, sleep = wait } = {}) {
  let next = 0;
  let blockedUntil = 0;
  return {
    async turn(signal) {
      const at = Math.max(now(), next, blockedUntil);
      next = at + 1000 / perSecond;
      if (at > now()) await sleep(at - now(), signal);
    },
    // Clay said how long: nobody calls before.
    block(milliseconds) {
      blockedUntil = Math.max(blockedUntil, now() + milliseconds);
    },
  };
}

// An outage opens it for a while and lets one trial call through. No credits: open until they are reset. A refused
// key: open until the service is configured anew, which means started again. 429 slows the pace and opens nothing.
export function createBreaker({ failures = 5, openFor = 30_000, now = Date.now } = {}) {
  let failed = 0;
  let state = "closed";
  let reason = null;
  let until = 0;
  let trial = false;
  return {
    state: () => ({ state, reason }),
    // Milliseconds to wait; 0: go ahead.
    wait() {
      if (state === "closed") return 0;
      if (now() < until) return until - now();
      if (trial) return 1000;
      trial = true;
      state = "half-open";
      return 0;
    },
    record(kind, { resetsAt } = {}) {
      trial = false;
      const open = (why, end) => {
        [state, reason, until] = ["open", why, end];
      };
      if (kind === "credits") open("credits", resetsAt ?? now() + 3_600_000);
      else if (kind === "auth" || kind === "forbidden") open(kind, Number.POSITIVE_INFINITY);
      else if (kind === "unavailable" || kind === "uncertain") {
        failed += 1;
        if (state === "half-open" || failed >= failures) open("outage", now() + openFor);
      } else {
        failed = 0;
        [state, reason] = ["closed", null];
      }
    },
  };
}

// Between half and the whole of a wait that doubles, up to a minute.
export function backoff(attempt, random = Math.random) {
  const whole = Math.min(60_000, 1000 * 2 ** attempt);
  return Math.round(whole / 2 + (random() * whole) / 2);
}

export function wait(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end, { once: true });
  });
}
