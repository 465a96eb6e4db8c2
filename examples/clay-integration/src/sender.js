// Moves leads on: sends what is due, fetches what is finished, looks after what was forgotten.

import { backoff, wait } from "./guard.js";

const MOST_ATTEMPTS = 8;
// A lead that was in hand for so long belongs to a replica that died.
const LEASE = 300_000;

export function createSender(config, { outbox, clay, pace, breaker, log, metrics }) {
  const stop = new AbortController();
  const loops = [];

  async function sendOne() {
    const closedFor = breaker.wait();
    if (closedFor > 0) {
      await wait(Math.min(closedFor, 1000), stop.signal);
      return;
    }
    const lead = await outbox.claim();
    if (!lead) {
      await wait(250, stop.signal);
      return;
    }
    await pace.turn(stop.signal);
    if (stop.signal.aborted) {
      await outbox.release(lead, 0, { counts: false });
      return;
    }
    await judge(lead, await clay.run(lead));
  }

  async function judge(lead, answer) {
    const { kind } = answer;
    breaker.record(kind, answer);
    metrics.set("clay_breaker_open", "1 while calls to Clay are stopped", breaker.state().state === "open" ? 1 : 0);
    const context = { leadId: lead.id, requestId: lead.requestId, clayRequestId: answer.clayRequestId, kind };
    if (kind === "ok" && typeof answer.body.routine_run_id === "string") {
      await outbox.started(lead, answer.body.routine_run_id);
      metrics.add("clay_runs_started_total", "Runs that Clay has taken");
      log.info("lead sent", { ...context, runId: answer.body.routine_run_id });
    } else if (kind === "limited") {
      const milliseconds = answer.retryAfter ?? backoff(lead.attempts);
      pace.block(milliseconds);
      // Its turn comes again as often as Clay is busy.
      await outbox.release(lead, milliseconds, { counts: false });
      log.warn("clay limits the rate", { ...context, waitMilliseconds: milliseconds });
    } else if (["credits", "auth", "forbidden"].includes(kind)) {
      await outbox.release(lead, 0, { counts: false });
      log.error("calls to clay are stopped", { ...context, reason: breaker.state().reason });
    } else if (kind === "unavailable" && answer.status !== 0 && answer.status !== 503) {
      // A 500 may have come after the run was taken.
      await bury(lead, "sending", `clay answered ${answer.status}; it may have the lead`, context);
    } else if (kind === "unavailable" && lead.attempts + 1 < MOST_ATTEMPTS) {
      const milliseconds = backoff(lead.attempts);
      await outbox.release(lead, milliseconds);
      log.warn("clay is not there", { ...context, attempt: lead.attempts + 1, waitMilliseconds: milliseconds });
    } else {
      const reason = kind === "uncertain" ? "no answer: Clay may have the lead" : `clay answered ${answer.status}`;
      await bury(lead, "sending", reason, context);
    }
  }

  async function bury(lead, from, reason, context) {
    await outbox.bury(lead, from, reason);
    metrics.add("clay_dead_letters_total", "Leads that need a person");
    log.error("lead needs a person", { ...context, reason });
  }

  // Asks for the results of a run, and takes them once. True: nothing is left to do.
  async function fetchRun(runId) {
    const found = await outbox.leadOfRun(runId);
    if (!found) return false;
    if (found.state !== "running") return true;
    const { lead } = found;
    await pace.turn(stop.signal);
    const answer = await clay.results(runId, lead);
    if (answer.kind === "limited") pace.block(answer.retryAfter ?? backoff(0));
    breaker.record(answer.kind, answer);
    const context = { leadId: lead.id, runId, kind: answer.kind };
    if (answer.kind !== "ok" || answer.status === 202) {
      await outbox.looked(lead);
      return false;
    }
    const item = Array.isArray(answer.body.data) ? answer.body.data.find((one) => one.id === lead.id) : undefined;
    // A run that is complete can hold items that are not: each has a status of its own.
    if (answer.body.status !== "complete" || !item || item.status === "failed" || item.error) {
      await bury(lead, "running", `the run ended as ${answer.body.status}, the item as ${item?.status ?? "missing"}`, context);
      return true;
    }
    // An empty result is an answer: Clay knows nothing about this lead.
    if (await outbox.finished(lead, item.outputs ?? {})) {
      metrics.add("clay_enrichments_total", "Leads that came back", { found: Object.keys(item.outputs ?? {}).length > 0 });
      log.info("lead enriched", context);
    }
    return true;
  }

  async function look() {
    const recovered = await outbox.recover(LEASE);
    if (recovered > 0) log.error("leads of a dead replica need a person", { count: recovered });
    for (const lead of await outbox.overdue(config.CLAY_CALLBACK_WAIT_SECONDS * 1000)) {
      if (stop.signal.aborted) return;
      log.warn("callback is late", { leadId: lead.id, runId: lead.runId });
      metrics.add("clay_callbacks_late_total", "Runs whose callback did not come in time");
      await fetchRun(lead.runId);
    }
    await outbox.purge(config.RETENTION_DAYS * 86_400_000);
    const counts = await outbox.counts();
    for (const [state, count] of Object.entries(counts)) metrics.set("outbox_leads", "Leads by state", count, { state });
    await wait(Math.min(5000, config.CLAY_CALLBACK_WAIT_SECONDS * 500), stop.signal);
  }

  // A failure of one round is logged and does not end the loop.
  async function loop(round, name) {
    while (!stop.signal.aborted) {
      try {
        await round();
      } catch (error) {
        log.error("a round failed", { name, reason: error.code ?? error.name });
        await wait(1000, stop.signal);
      }
    }
  }

  return {
    fetchRun,
    start() {
      for (let count = 0; count < config.CLAY_CONCURRENCY; count += 1) loops.push(loop(sendOne, "send"));
      loops.push(loop(look, "look"));
    },
    // Ends after the calls that are under way.
    async stop() {
      stop.abort();
      await Promise.all(loops);
    },
  };
}
