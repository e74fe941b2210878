"""The settings of a person, at `/settings`: looks and keys (the browser keeps those), presets, usage, and all that is
theirs, to take along or to delete."""

import asyncio
from typing import Any

import gradio as gr
from pydantic import Field
from sqlmodel import Session

from convstore import catalogue, usage
from convstore.errors import Invalid
from convstore.transfer import erasure
from pages import Services, frame, tuning
from pages.islands import Order, answer, island

CONFIRMATION = "delete everything"


class About(Order):
    """Who this is, what they have and what they have used."""


class Erase(Order):
    """Delete all that is this person's, for good. `confirm`: the words that say so."""

    confirm: str = Field(max_length=100)


def build(services: Services) -> None:
    """Lay the page out and connect it. To be called within `demo.route`."""
    frame.sidebar(services)
    given = {
        "name": "Settings",
        "signed_in": services.signed_in,
        "confirmation": CONFIRMATION,
        "import_bytes": services.import_bytes,
    }
    with gr.Column(elem_id="stage", min_width=0):
        island("top-bar", elem_id="top-bar")
        place = island("settings", elem_id="settings", calls=("about", "erase", *tuning.CALLS), settings=given)

    async def about(owner: str, order: About) -> dict[str, Any]:
        found = await services.db.reading(_about, owner)
        return {**found, "id": owner, "limits": _limits(services)}

    async def erase(owner: str, order: Erase) -> dict[str, Any]:
        if order.confirm.strip().lower() != CONFIRMATION:
            raise Invalid(f"Write “{CONFIRMATION}” to confirm.")
        done = await asyncio.to_thread(erasure.everything, services.db, owner)
        return {"conversations": done.conversations, "messages": done.messages}

    answer(place, "about", About, about)
    answer(place, "erase", Erase, erase)
    tuning.connect(services, place)


def _about(session: Session, owner: str) -> dict[str, Any]:
    states = ("active", "archived", "trash")
    counts = {state: catalogue.sheet(session, owner, state=state, limit=1).total for state in states}
    used = {"tokens_today": usage.tokens_today(session, owner), "running": usage.running(session, owner)}
    return {"conversations": counts, "used": used}


def _limits(services: Services) -> dict[str, int]:
    allowed = services.runner.limits.per_person
    return {
        "tokens_per_day": allowed.tokens_per_day,
        "running_answers": allowed.running_answers,
        "requests_per_minute": allowed.requests_per_minute,
    }
