"""Presets: settings under a name, one list per owner."""

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from convstore import titles
from convstore.clock import now
from convstore.conversations import Settings, checked
from convstore.database import dialect_of
from convstore.errors import LimitReached, NotFound
from convstore.models import Preset

MOST = 100


@dataclass(frozen=True, slots=True)
class Named:
    """Settings and what their owner calls them."""

    name: str
    settings: Settings


def of(session: Session, owner: str) -> list[Named]:
    """The owner's presets by name."""
    rows = session.execute(
        select(col(Preset.name), col(Preset.system_prompt), col(Preset.model), col(Preset.temperature))
        .where(col(Preset.owner) == owner)
        .order_by(func.lower(Preset.name), col(Preset.name))
    )
    return [Named(name, Settings(*settings)) for name, *settings in rows]


def save(session: Session, owner: str, name: str, settings: Settings) -> None:
    """Keep the settings under that name, in place of what it named before. Raises `Invalid`, `LimitReached`."""
    name = titles.required(name)
    count = session.execute(
        select(func.count()).select_from(Preset).where(col(Preset.owner) == owner, col(Preset.name) != name)
    ).scalar_one()
    if count >= MOST:
        raise LimitReached(f"There are {MOST} presets already. Delete one first.")
    values = checked(settings) | {"updated_at": now()}
    insert = postgresql.insert if dialect_of(session) == "postgresql" else sqlite.insert
    session.execute(
        insert(Preset)
        .values(owner=owner, name=name, **values)
        .on_conflict_do_update(index_elements=["owner", "name"], set_=values)
    )


def remove(session: Session, owner: str, name: str) -> None:
    """Forget it. Raises `NotFound` when there is none of that name."""
    gone = session.execute(
        delete(Preset).where(col(Preset.owner) == owner, col(Preset.name) == name).returning(col(Preset.name))
    ).one_or_none()
    if gone is None:
        raise NotFound("There is no preset of that name.")
