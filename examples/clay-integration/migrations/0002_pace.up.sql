-- The pace of the calls to Clay: one row a workspace, shared by all replicas, because Clay's limit is.
CREATE TABLE pace (
    workspace TEXT PRIMARY KEY,
    next_at INTEGER NOT NULL
) STRICT;
