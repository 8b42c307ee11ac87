"""What Alembic runs to migrate: on the connection, and in the transaction, that ``registry/migrate.py`` opened."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    render_as_batch=True,
)
context.run_migrations()
