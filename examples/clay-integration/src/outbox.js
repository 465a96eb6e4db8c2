// The outbox: a folder for each state, a file for each lead. A lead is accepted once its file is on the disk; a state
// changes by rename, which is atomic, so that several replicas can share one volume and a kill loses nothing.

import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

// pending: to be sent. sending: a replica has it in hand. running: Clay has it, the run's id is in the file.
// done: enriched, until its retention ends. dead: needs a person; the reason is in the file.
export const STATES = ["pending", "sending", "running", "done", "dead"];

const ID = /^[0-9a-f-]{36}$/;

export async function openOutbox(folder, { now = Date.now } = {}) {
  for (const name of [...STATES, "runs"]) await mkdir(join(folder, name), { recursive: true });
  const path = (state, id) => join(folder, state, `${id}.json`);

  // Whole or not at all: written aside, flushed, renamed, and the folder flushed as well.
  async function put(target, value) {
    const aside = join(folder, `.${randomUUID()}`);
    const file = await open(aside, "wx");
    try {
      await file.writeFile(JSON.stringify(value));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, target);
    const parent = await open(join(target, ".."), "r");
    try {
      await parent.sync();
    } finally {
      await parent.close();
    }
  }

  async function get(target) {
    try {
      return JSON.parse(await readFile(target, "utf8"));
    } catch (error) {
      if (error.code === "ENOENT") return null;
      throw error;
    }
  }

  async function move(id, from, to) {
    try {
      await rename(path(from, id), path(to, id));
      return true;
    } catch (error) {
      // Another replica was faster.
      if (error.code === "ENOENT") return false;
      throw error;
    }
  }

  const ids = async (state) =>
    (await readdir(join(folder, state))).filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5)).sort();

  const outbox = {
    async accept(id, inputs, context) {
      await put(path("pending", id), { id, inputs, ...context, acceptedAt: now(), attempts: 0, notBefore: 0 });
    },

    async find(id) {
      if (!ID.test(id)) return null;
      // A lead that goes back to pending while it is looked for is met the second time.
      for (const state of [...STATES, "pending", "sending"]) {
        const lead = await get(path(state, id));
        if (lead) return { state, lead };
      }
      return null;
    },

    // One lead that is due, claimed for this replica; none: nothing is due.
    async claim() {
      for (const id of await ids("pending")) {
        const lead = await get(path("pending", id));
        if (!lead || lead.notBefore > now()) continue;
        if (!(await move(id, "pending", "sending"))) continue;
        await put(path("sending", id), { ...lead, claimedAt: now() });
        return lead;
      }
      return null;
    },

    // Certainly not accepted by Clay: it may be sent again.
    async release(lead, wait, { counts = true } = {}) {
      const attempts = lead.attempts + (counts ? 1 : 0);
      await put(path("sending", lead.id), { ...lead, attempts, notBefore: now() + wait });
      await move(lead.id, "sending", "pending");
    },

    async started(lead, runId) {
      await put(join(folder, "runs", encodeURIComponent(runId)), { leadId: lead.id });
      await put(path("sending", lead.id), { ...lead, runId, startedAt: now() });
      await move(lead.id, "sending", "running");
    },

    async finished(lead, result) {
      await put(path("running", lead.id), { ...lead, result, finishedAt: now() });
      return move(lead.id, "running", "done");
    },

    async bury(lead, from, reason) {
      await put(path(from, lead.id), { ...lead, reason, buriedAt: now() });
      await move(lead.id, from, "dead");
    },

    // A person has looked at it: it is sent once more.
    async replay(id) {
      const lead = await get(path("dead", id));
      if (!lead) return false;
      await put(path("dead", id), { ...lead, reason: undefined, attempts: 0, notBefore: 0 });
      return move(id, "dead", "pending");
    },

    async leadOfRun(runId) {
      const entry = await get(join(folder, "runs", encodeURIComponent(runId)));
      return entry ? outbox.find(entry.leadId) : null;
    },

    // Runs whose callback is late.
    async overdue(wait) {
      const late = [];
      for (const id of await ids("running")) {
        const lead = await get(path("running", id));
        if (lead && (lead.lookedAt ?? lead.startedAt) + wait <= now()) late.push(lead);
      }
      return late;
    },

    async looked(lead) {
      await put(path("running", lead.id), { ...lead, lookedAt: now() });
    },

    // Leads that a replica had in hand when it died. Whether Clay has them nobody knows: sending again may charge twice.
    async recover(lease) {
      let found = 0;
      for (const id of await ids("sending")) {
        const lead = await get(path("sending", id));
        if (!lead || (lead.claimedAt ?? 0) + lease > now()) continue;
        await outbox.bury(lead, "sending", "the replica that sent it died; Clay may have it");
        found += 1;
      }
      return found;
    },

    async purge(age) {
      let removed = 0;
      for (const state of ["done", "dead"]) {
        for (const id of await ids(state)) {
          const lead = await get(path(state, id));
          if (!lead || (lead.finishedAt ?? lead.buriedAt ?? now()) + age > now()) continue;
          await rm(path(state, id), { force: true });
          if (lead.runId) await rm(join(folder, "runs", encodeURIComponent(lead.runId)), { force: true });
          removed += 1;
        }
      }
      return removed;
    },

    async counts() {
      const counts = {};
      for (const state of STATES) counts[state] = (await ids(state)).length;
      return counts;
    },

    async usable() {
      await stat(join(folder, "pending"));
    },
  };
  return outbox;
}
