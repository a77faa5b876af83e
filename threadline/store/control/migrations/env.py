"""Run by Alembic, inside the transaction that `threadline.store.control.migration` is given."""

from __future__ import annotations

from alembic import context

from threadline.store.control.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
