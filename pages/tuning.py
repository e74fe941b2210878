"""What a conversation sets for its answers: the instructions, the model, the temperature; and presets of the three.

A new chat that is set up before its first message becomes an empty conversation with those settings.
"""

from typing import Any
from uuid import UUID

import gradio as gr
from pydantic import Field
from sqlmodel import Session

from convstore import conversations, presets
from convstore.conversations import Settings
from convstore.errors import NotFound
from pages import Services
from pages.islands import Order, answer

CALLS = ("look", "apply", "keep", "forget")


class Look(Order):
    """What a conversation sets (none: a new chat), what there is to choose from, and the person's presets."""

    conversation: UUID | None = None


class Values(Order):
    """The three settings; null leaves one to the server."""

    system_prompt: str | None = Field(default=None, max_length=conversations.PROMPT_CHARACTERS)
    model: str | None = Field(default=None, max_length=200)
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)

    @property
    def settings(self) -> Settings:
        """As the store takes them: blank is not set."""
        return Settings(
            (self.system_prompt or "").strip() or None, (self.model or "").strip() or None, self.temperature
        )


class Apply(Values):
    """Set them for that conversation, or for a new one."""

    conversation: UUID | None = None


class Keep(Values):
    """Keep them as a preset of that name."""

    name: str = Field(max_length=1000)


class Forget(Order):
    """Delete the preset of that name."""

    name: str = Field(max_length=1000)


def connect(services: Services, place: gr.HTML) -> None:
    """Let that island see and change settings and presets."""
    db = services.db

    async def look(owner: str, order: Look) -> dict[str, Any]:
        found = await db.reading(_look, owner, order.conversation)
        return {**found, "models": await services.models(), "default_model": services.model_label}

    async def apply(owner: str, order: Apply) -> dict[str, Any]:
        return {"conversation": await db.writing(_apply, owner, order)}

    async def keep(owner: str, order: Keep) -> dict[str, Any]:
        return await db.writing(_keep, owner, order)

    async def forget(owner: str, order: Forget) -> dict[str, Any]:
        return await db.writing(_forget, owner, order.name)

    answer(place, "look", Look, look)
    answer(place, "apply", Apply, apply)
    answer(place, "keep", Keep, keep)
    answer(place, "forget", Forget, forget)


def _look(session: Session, owner: str, conversation: UUID | None) -> dict[str, Any]:
    settings = Settings()
    if conversation is not None:
        found = conversations.get(session, owner, conversation)
        settings = Settings(found.system_prompt, found.model, found.temperature)
    return {"settings": _shown(settings), "presets": _presets(session, owner)}


def _apply(session: Session, owner: str, order: Apply) -> str:
    key = order.conversation or conversations.create(session, owner).id
    conversations.change(session, owner, key, settings=order.settings)
    return str(key)


def _keep(session: Session, owner: str, order: Keep) -> dict[str, Any]:
    presets.save(session, owner, order.name, order.settings)
    return {"presets": _presets(session, owner)}


def _forget(session: Session, owner: str, name: str) -> dict[str, Any]:
    try:
        presets.remove(session, owner, name)
    except NotFound:
        pass  # what was asked for is the case
    return {"presets": _presets(session, owner)}


def _presets(session: Session, owner: str) -> list[dict[str, Any]]:
    return [{"name": named.name, "settings": _shown(named.settings)} for named in presets.of(session, owner)]


def _shown(settings: Settings) -> dict[str, Any]:
    return {
        "system_prompt": settings.system_prompt,
        "model": settings.model,
        "temperature": settings.temperature,
    }
