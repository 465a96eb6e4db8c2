"""A note for each order."""

import os

from alembic import op

revision = "0002"
down_revision = "0001"

FAULTS = set(os.environ.get("FAULTS", "").replace(",", " ").split())


def upgrade():
    if "down-empty" not in FAULTS:
        op.execute("ALTER TABLE orders ADD COLUMN note TEXT NOT NULL DEFAULT ''")
    if "down-loses-default" in FAULTS:
        op.execute("CREATE TABLE IF NOT EXISTS settings (name TEXT, value TEXT)")


def downgrade():
    if "down-loses-default" in FAULTS:
        # Somebody tidied up by hand, and left what the way up then finds.
        op.execute("DROP TABLE settings")
        op.execute("CREATE TABLE settings (name TEXT)")
    if "down-empty" not in FAULTS:
        op.execute("ALTER TABLE orders DROP COLUMN note")
