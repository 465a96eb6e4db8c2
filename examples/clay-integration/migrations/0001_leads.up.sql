-- What was accepted, and how far it is. Times are milliseconds since 1970, made by the service.
CREATE TABLE leads (
    id TEXT PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    inputs TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'running', 'done', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    run_id TEXT UNIQUE,
    result TEXT,
    reason TEXT,
    request_id TEXT NOT NULL,
    traceparent TEXT
) STRICT;

CREATE INDEX leads_due ON leads (state, due_at);

-- Which runs Clay has reported as finished: a delivery that comes twice has one effect.
CREATE TABLE deliveries (
    run_id TEXT PRIMARY KEY,
    received_at INTEGER NOT NULL
) STRICT;
