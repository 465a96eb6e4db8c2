"""Orders, and a view of those that are open."""

import os

from alembic import op

revision = "0001"
down_revision = None

FAULTS = set(os.environ.get("FAULTS", "").replace(",", " ").split())


def upgrade():
    again = "IF NOT EXISTS " if "down-empty" in FAULTS else ""
    op.execute(f"CREATE TABLE {again}orders (id INTEGER PRIMARY KEY, open INTEGER NOT NULL)")
    op.execute(f"CREATE VIEW {again}open_orders AS SELECT id FROM orders WHERE open = 1")


def downgrade():
    if "down-fails" in FAULTS:
        raise NotImplementedError("there is no way back")
    if "down-empty" in FAULTS:
        return
    if "down-forgets-view" not in FAULTS:
        op.execute("DROP VIEW open_orders")
    op.execute("DROP TABLE orders")
