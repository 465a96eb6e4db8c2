import { Counter, Histogram, register } from "prom-client";

const requests = new Counter({
  name: "http_requests_total",
  help: "Requests by route and status.",
  labelNames: ["method", "route", "status"],
});
const duration = new Histogram({
  name: "http_request_duration_seconds",
  help: "How long requests take.",
  labelNames: ["method", "route"],
});

export function measure(req, res, next) {
  const stop = duration.startTimer();
  res.on("finish", () => {
    const route = req.route?.path ?? "none";
    stop({ method: req.method, route });
    requests.inc({ method: req.method, route, status: res.statusCode });
  });
  next();
}

export async function exposed(req, res) {
  res.set("content-type", register.contentType).send(await register.metrics());
}
