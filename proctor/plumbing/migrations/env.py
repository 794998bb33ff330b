"""Runs the migrations on the engine the service hands over."""

from alembic import context

from proctor.plumbing.db import Base

engine = context.config.attributes["engine"]

with engine.connect() as connection:
    # batch mode: SQLite cannot alter a column in place
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
