// Clay's API, as far as it is used: who am I, run a routine, results of a run. Every answer has a kind.

// The kinds of an answer, by its status: field by field the table of Clay's errors.
const KINDS = {
  400: "invalid", 401: "auth", 402: "credits", 403: "forbidden", 404: "gone", 413: "invalid", 422: "invalid", 429: "limited",
};

// The series that alerts ask for exist from the start: an increase from nothing is none.
const STATUSES = ["200", "202", "400", "401", "402", "403", "404", "413", "422", "429", "500", "503", "timeout", "error"];

export function createClay(config, { metrics, log, fetch = globalThis.fetch, now = Date.now }) {
  for (const status of STATUSES) metrics.add("clay_requests_total", HELP.requests, { status }, 0);

  async function call(method, path, body, { requestId, traceparent } = {}) {
    const began = now();
    let status = "error";
    try {
      const response = await fetch(`${config.CLAY_API_BASE_URL}${path}`, {
        method,
        headers: {
          "clay-api-key": config.CLAY_API_KEY,
          "content-type": "application/json",
          ...(requestId && { "x-request-id": requestId }),
          ...(traceparent && { traceparent }),
        },
        body: body && JSON.stringify(body),
        redirect: "error",
        signal: AbortSignal.timeout(config.CLAY_TIMEOUT_MS),
      });
      status = String(response.status);
      const text = await response.text();
      return answer(response, text);
    } catch (error) {
      const late = error.name === "TimeoutError";
      if (status === "error" && late) status = "timeout";
      // Only a connection that was never made proves that Clay has not taken the request.
      const refused = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"].includes(error.cause?.code);
      return { kind: refused ? "unavailable" : "uncertain", status: 0, body: null };
    } finally {
      const milliseconds = now() - began;
      metrics.add("clay_requests_total", HELP.requests, { status: STATUSES.includes(status) ? status : "other" });
      metrics.observe("clay_request_duration_seconds", HELP.duration, milliseconds / 1000);
      log.info("clay answered", { method, status, milliseconds, requestId });
    }
  }

  function answer(response, text) {
    let body = null;
    try {
      body = JSON.parse(text);
    } catch {
      // An answer that is no JSON has no body that could be used.
    }
    const clayRequestId = response.headers.get("request-id") ?? undefined;
    const kind = response.ok
      ? body === null ? "unavailable" : "ok"
      : KINDS[response.status] ?? (response.status >= 500 ? "unavailable" : "invalid");
    const after = seconds(response.headers.get("retry-after"), now);
    const resets = Date.parse(body?.quota?.resets_at ?? body?.resets_at ?? "");
    return {
      kind,
      status: response.status,
      body,
      clayRequestId,
      retryAfter: after,
      resetsAt: Number.isNaN(resets) ? undefined : resets,
    };
  }

  return {
    me: () => call("GET", "/me"),

    // Takes one lead into work. There is no idempotency key: what is uncertain must not be sent again.
    run(lead) {
      const { id, inputs, requestId, traceparent } = lead;
      const routine = encodeURIComponent(config.CLAY_ROUTINE_ID);
      const body = { items: [{ id, inputs }], ...(config.CLAY_WEBHOOK_ID && { webhook_id: config.CLAY_WEBHOOK_ID }) };
      return call("POST", `/routines/${routine}/run`, body, { requestId, traceparent });
    },

    results: (runId, context) => call("GET", `/routines/run/${encodeURIComponent(runId)}/results`, undefined, context),
  };
}

// Seconds or a date, at most an hour.
function seconds(header, now) {
  if (!header) return undefined;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now();
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), 3_600_000);
}

const HELP = { requests: "Calls to Clay by status", duration: "Seconds until Clay answered" };
