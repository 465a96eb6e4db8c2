// The configuration, all from the environment. What is missing or wrong ends the start, with every error at once.

const SCHEMA = {
  PORT: { default: "8080", read: whole(0, 65535) },
  LOG_LEVEL: { default: "info", read: oneOf("debug", "info", "warn", "error") },
  INTAKE_TOKEN: { read: secret },
  CLAY_API_KEY: { read: secret },
  CLAY_WEBHOOK_SECRET: { read: secret },
  CLAY_API_BASE_URL: { default: "https://api.clay.com/public/v0", read: clayUrl },
  CLAY_ROUTINE_ID: { read: text },
  CLAY_WEBHOOK_ID: { default: "", read: optional },
  // The workspace that the key must belong to: tells the key of staging from the one of production.
  CLAY_WORKSPACE_ID: { read: text },
  CLAY_TIMEOUT_MS: { default: "10000", read: whole(100, 120_000) },
  CLAY_REQUESTS_PER_SECOND: { default: "2", read: whole(1, 1000) },
  CLAY_CONCURRENCY: { default: "2", read: whole(1, 100) },
  CLAY_HEALTH_SECONDS: { default: "45", read: whole(1, 3600) },
  CLAY_OUTBOX_DIR: { default: "./outbox", read: text },
  CLAY_OUTBOX_MAX: { default: "10000", read: whole(1, 1_000_000) },
  CLAY_CALLBACK_WAIT_SECONDS: { default: "180", read: whole(1, 86_400) },
  RETENTION_DAYS: { default: "30", read: whole(1, 3650) },
  DRAIN_SECONDS: { default: "20", read: whole(1, 300) },
};

export function readConfig(environment) {
  const config = {};
  const errors = [];
  for (const [name, field] of Object.entries(SCHEMA)) {
    const given = environment[name] ?? field.default;
    if (given === undefined) {
      errors.push(`${name} is not set`);
      continue;
    }
    const { value, error } = field.read(given, environment);
    if (error) errors.push(`${name} ${error}`);
    else config[name] = value;
  }
  if (errors.length > 0) throw new Error(`the configuration is not usable: ${errors.join("; ")}`);
  return Object.freeze(config);
}

export const VARIABLES = Object.freeze(Object.keys(SCHEMA));

function whole(least, most) {
  return (given) => {
    const value = Number(given);
    if (!/^\d+$/.test(given) || value < least || value > most) {
      return { error: `is no whole number from ${least} to ${most}` };
    }
    return { value };
  };
}

function oneOf(...values) {
  return (given) => (values.includes(given) ? { value: given } : { error: `is none of ${values.join(", ")}` });
}

function text(given) {
  return given.trim() ? { value: given.trim() } : { error: "is empty" };
}

function optional(given) {
  return { value: given.trim() || null };
}

// The value is never part of an error.
function secret(given) {
  return given.trim().length >= 8 ? { value: given.trim() } : { error: "is empty or too short" };
}

// Clay's own host over TLS, or the loopback that a test's fake listens on. The host is parsed, not matched.
function clayUrl(given) {
  let url;
  try {
    url = new URL(given);
  } catch {
    return { error: "is no URL" };
  }
  const fake = url.protocol === "http:" && url.hostname === "127.0.0.1";
  const real = url.protocol === "https:" && url.hostname === "api.clay.com" && url.port === "" && !url.username;
  return real || fake ? { value: given.replace(/\/+$/, "") } : { error: "is not https://api.clay.com" };
}
