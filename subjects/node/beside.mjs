// Stands in front of the service in a process of its own and speaks for its liveness, whatever has become of it.
//
// node beside.mjs PORT UPSTREAM: it goes when its standard input does.

import http from "node:http";

const [port, upstream] = process.argv.slice(2).map(Number);
const front = http.createServer((from, to) => {
  if (from.url === "/live") {
    to.writeHead(200, { "content-type": "application/json" }).end("{}");
    return;
  }
  const { method, url: path, headers } = from;
  const on = http.request({ host: "127.0.0.1", port: upstream, method, path, headers }, (answer) => {
    to.writeHead(answer.statusCode, answer.headers);
    answer.pipe(to);
  });
  on.on("error", () => to.destroy());
  from.pipe(on);
});
front.listen(port, "127.0.0.1");
process.stdin.resume().on("close", () => process.exit());
