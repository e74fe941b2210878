"""An index by the time a conversation was begun: the order of an export, and how an import recognizes what is here."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("conversation_begun", "conversation", ["owner", "created_at", "id"], unique=False)
