// A Clay on loopback: answers what a test tells it to, and remembers what it was asked.

import { createServer } from "node:http";

export async function startFakeClay() {
  const seen = [];
  const fake = {
    seen,
    workspace: "ws-test",
    // Answers of the next runs, in order; afterwards runs are taken.
    script: [],
    // The results of each run.
    results: () => null,
    hang: false,
  };
  let runs = 0;
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString();
    const body = text ? JSON.parse(text) : null;
    seen.push({ method: request.method, path: request.url, headers: request.headers, body });
    const answer = (status, value, headers = {}) => {
      response.writeHead(status, { "content-type": "application/json", "request-id": `req-${seen.length}`, ...headers });
      response.end(JSON.stringify(value));
    };
    if (fake.hang) return;
    if (request.url === "/public/v0/me") return answer(200, { user: { id: "svc" }, workspace: { id: fake.workspace } });
    if (request.method === "POST" && request.url.endsWith("/run")) {
      const next = fake.script.shift();
      if (next) return answer(next.status, next.body ?? { message: "no" }, next.headers);
      runs += 1;
      return answer(202, { routine_run_id: `run-${runs}`, status: "in_progress" });
    }
    const run = /^\/public\/v0\/routines\/run\/([^/]+)\/results$/.exec(request.url);
    if (run) {
      const result = fake.results(run[1]);
      return result ? answer(200, result) : answer(202, { status: "in_progress", total: 1, finished: 0 });
    }
    return answer(404, { message: "deprecated API endpoint" });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  fake.url = `http://127.0.0.1:${server.address().port}/public/v0`;
  fake.runs = () => seen.filter((one) => one.method === "POST");
  fake.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return fake;
}
