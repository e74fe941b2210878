"""Deltas go in as one statement of fixed text, however many answers they are from.

With hundreds of answers the cost of a flush is not the database's but Python's, row by row, while the event loop waits
for the same interpreter lock: arrays (PostgreSQL) and one JSON text (SQLite) leave the rows to the database.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from convstore.database import dialect_of

Row = tuple[UUID, int, int, str, str]  # message, attempt, seq, kind, text

# A flush whose acknowledgement was lost comes again with the same numbers, hence DO NOTHING.
_INSERT = {
    "postgresql": text("""
        INSERT INTO message_delta (message_id, attempt, seq, kind, text)
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS integer[]), CAST(:seqs AS integer[]),
            CAST(:kinds AS text[]), CAST(:texts AS text[]))
        ON CONFLICT DO NOTHING"""),
    "sqlite": text("""
        INSERT INTO message_delta (message_id, attempt, seq, kind, text)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(:rows) WHERE true
        ON CONFLICT DO NOTHING"""),
}


def store(session: Session, rows: Sequence[Row]) -> None:
    """Add these deltas; one that is there already stays as it is."""
    if not rows:
        return
    dialect = dialect_of(session)
    values: dict[str, Any]
    if dialect == "postgresql":
        ids, attempts, seqs, kinds, texts = map(list, zip(*rows, strict=True))
        values = {"ids": ids, "attempts": attempts, "seqs": seqs, "kinds": kinds, "texts": texts}
    else:
        values = {"rows": json.dumps([(message_id.hex, *rest) for message_id, *rest in rows])}
    session.execute(_INSERT[dialect], values)
