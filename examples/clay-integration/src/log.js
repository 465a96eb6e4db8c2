// One JSON object a line. Fields are chosen by name, so that no person and no key gets into a line by accident.

const LEVELS = { debug: 10, info: 20, warn: 30, error: 40 };

// What a line may carry beside its message. Bodies, headers, names and addresses are not among it.
const FIELDS = new Set([
  "requestId", "traceId", "leadId", "runId", "clayRequestId", "method", "route", "status", "milliseconds", "kind", "reason",
  "state", "count", "level", "port", "attempt", "waitMilliseconds", "version", "signal", "name", "workspace",
]);

export function createLog(level, write = (line) => process.stdout.write(line)) {
  let threshold = LEVELS[level];
  const at = (name) => (message, fields = {}) => {
    if (LEVELS[name] < threshold) return;
    const line = { time: new Date().toISOString(), level: name, message };
    for (const [key, value] of Object.entries(fields)) {
      if (FIELDS.has(key) && value !== undefined) line[key] = typeof value === "string" ? value.slice(0, 200) : value;
    }
    write(`${JSON.stringify(line)}\n`);
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    setLevel(name) {
      if (!(name in LEVELS)) return false;
      threshold = LEVELS[name];
      return true;
    },
  };
}
