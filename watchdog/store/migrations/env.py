"""How Alembic reaches the database: over the connection it is handed, inside the transaction that is open there."""

from __future__ import annotations

from alembic import context

from watchdog.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
)
context.run_migrations()
