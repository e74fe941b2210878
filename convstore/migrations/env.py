"""Alembic's entry: runs on the connection, and in the transaction, that `convstore.schema` hands over."""

from alembic import context
from sqlmodel import SQLModel

from convstore import models

assert models.Conversation.metadata is SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transactional_ddl=True,
)
context.run_migrations()
