"""Full-text search over messages and titles; indexes what is there already, a hundred texts at a time.

Triggers note what has to be indexed, so that no writer can forget it. SQLite drops the triggers of a table that is
dropped: a later migration that builds `message` or `conversation` anew has to create `SQLITE_NOTES` again.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from convstore.clock import UtcDateTime
from convstore.search.entries import Source, write

revision = "0003"
down_revision = "0002"

AT_ONCE = 100  # a message has up to a million characters
WRITTEN = "NOT IN ('queued', 'streaming')"

SQLITE_NOTES = (
    f"""CREATE TRIGGER search_message_added AFTER INSERT ON message WHEN NEW.status {WRITTEN} BEGIN
        INSERT INTO search_pending (conversation_id, message_id) VALUES (NEW.conversation_id, NEW.id); END""",
    f"""CREATE TRIGGER search_message_changed AFTER UPDATE OF status, content ON message
        WHEN NEW.status {WRITTEN} AND (NEW.status <> OLD.status OR NEW.content <> OLD.content) BEGIN
        INSERT INTO search_pending (conversation_id, message_id) VALUES (NEW.conversation_id, NEW.id); END""",
    """CREATE TRIGGER search_title_added AFTER INSERT ON conversation WHEN NEW.title <> '' BEGIN
        INSERT INTO search_pending (conversation_id) VALUES (NEW.id); END""",
    """CREATE TRIGGER search_title_changed AFTER UPDATE OF title ON conversation WHEN NEW.title <> OLD.title BEGIN
        INSERT INTO search_pending (conversation_id) VALUES (NEW.id); END""",
)
# The text table keeps no copy of the text (content=), no positions and no sizes: it only says which entries have a
# term. Terms are ASCII letters and digits and whatever is beyond ASCII, which `ascii` takes as they are.
SQLITE_TEXT = (
    """CREATE VIRTUAL TABLE search_text USING fts5(terms, content='search_entry', content_rowid='id',
        tokenize='ascii', detail=none, columnsize=0)""",
    # In the order of the numbers, and in few large pieces: three times as fast as row by row.
    "PRAGMA cache_size = -64000",
    "INSERT INTO search_text (search_text, rank) VALUES ('hashsize', 16000000)",
    "INSERT INTO search_text (search_text) VALUES ('rebuild')",
    "INSERT INTO search_text (search_text, rank) VALUES ('hashsize', 1000000)",
    "PRAGMA cache_size = -2000",
    """CREATE TRIGGER search_entry_added AFTER INSERT ON search_entry BEGIN
        INSERT INTO search_text (rowid, terms) VALUES (NEW.id, NEW.terms); END""",
    """CREATE TRIGGER search_entry_removed AFTER DELETE ON search_entry BEGIN
        INSERT INTO search_text (search_text, rowid, terms) VALUES ('delete', OLD.id, OLD.terms); END""",
)
POSTGRESQL_NOTES = (
    """CREATE FUNCTION search_message_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO search_pending (conversation_id, message_id) VALUES (NEW.conversation_id, NEW.id);
        RETURN NULL; END $$""",
    """CREATE FUNCTION search_title_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO search_pending (conversation_id) VALUES (NEW.id); RETURN NULL; END $$""",
    f"""CREATE TRIGGER search_message_added AFTER INSERT ON message FOR EACH ROW
        WHEN (NEW.status {WRITTEN}) EXECUTE FUNCTION search_message_note()""",
    f"""CREATE TRIGGER search_message_changed AFTER UPDATE OF status, content ON message FOR EACH ROW
        WHEN (NEW.status {WRITTEN} AND (NEW.status <> OLD.status OR NEW.content <> OLD.content))
        EXECUTE FUNCTION search_message_note()""",
    """CREATE TRIGGER search_title_added AFTER INSERT ON conversation FOR EACH ROW
        WHEN (NEW.title <> '') EXECUTE FUNCTION search_title_note()""",
    """CREATE TRIGGER search_title_changed AFTER UPDATE OF title ON conversation FOR EACH ROW
        WHEN (NEW.title <> OLD.title) EXECUTE FUNCTION search_title_note()""",
)


def upgrade() -> None:
    on_postgresql = op.get_context().dialect.name == "postgresql"
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "search_entry",
        sa.Column("id", number, autoincrement=False, nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "search_pending",
        sa.Column("id", number, nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    if on_postgresql:
        # A search that finds many reads many rows, of which it wants the numbers only: keep the terms out of them.
        op.execute("ALTER TABLE search_entry ALTER COLUMN terms SET STORAGE EXTERNAL, SET (toast_tuple_target = 128)")
    _index_what_is_there(op.get_bind())
    op.create_index("search_entry_newest", "search_entry", ["code", "id"])
    op.create_index("search_entry_conversation", "search_entry", ["conversation_id"])
    op.create_index("search_entry_message", "search_entry", ["message_id"], unique=True)
    if on_postgresql:
        op.create_index(
            "search_entry_terms",
            "search_entry",
            ["terms"],
            postgresql_using="gin",
            postgresql_with={"fastupdate": False},
        )
    for statement in POSTGRESQL_NOTES if on_postgresql else SQLITE_TEXT + SQLITE_NOTES:
        op.execute(statement)


_conversation = sa.table(
    "conversation",
    sa.column("id", sa.Uuid()),
    sa.column("owner", sa.Text()),
    sa.column("title", sa.Text()),
    sa.column("created_at", UtcDateTime()),
)
_message = sa.table(
    "message",
    sa.column("id", sa.Uuid()),
    sa.column("conversation_id", sa.Uuid()),
    sa.column("content", sa.Text()),
    sa.column("status", sa.Text()),
    sa.column("created_at", UtcDateTime()),
)


def _index_what_is_there(connection: sa.Connection) -> None:
    titles = sa.select(_conversation.c.id, _conversation.c.owner, _conversation.c.created_at, _conversation.c.title)
    for rows in _in_pieces(connection, titles.where(_conversation.c.title != ""), _conversation.c.id):
        write(connection, [Source(row.owner, row.id, None, row.created_at, row.title) for row in rows])
    messages = (
        sa.select(
            _message.c.id, _conversation.c.owner, _message.c.conversation_id, _message.c.created_at, _message.c.content
        )
        .join_from(_message, _conversation, _conversation.c.id == _message.c.conversation_id)
        .where(_message.c.status.not_in(("queued", "streaming")))
    )
    for rows in _in_pieces(connection, messages, _message.c.id):
        write(
            connection,
            [Source(row.owner, row.conversation_id, row.id, row.created_at, row.content) for row in rows],
        )


def _in_pieces(connection: sa.Connection, query: Any, key: Any) -> Iterator[Sequence[Any]]:
    after: Any = None
    while True:
        piece = query.order_by(key).limit(AT_ONCE)
        rows = connection.execute(piece if after is None else piece.where(key > after)).all()
        if not rows:
            return
        yield rows
        after = rows[-1].id
