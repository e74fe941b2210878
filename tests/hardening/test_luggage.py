"""`/export` and `/import` answer our own pages about whoever the cookie names, and nobody else."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from app import create_app
from convstore.database import Database
from convstore.transfer import receiving
from tests.hardening.conftest import OURS, SITE, settings

pytestmark = pytest.mark.anyio
DOCUMENT = (
    '{"format":"convstore","version":1,"conversations":[{"title":"Ünï/..\\"\\r\\nx: y","created_at":'
    '"2026-01-01T00:00:00.000000Z","updated_at":"2026-01-01T00:00:00.000000Z","messages":[]}]}'
)


@pytest.fixture
def house(tmp_path: Path) -> FastAPI:
    """The application with a migrated database, not started."""
    chosen = settings(tmp_path)
    database = Database(chosen.database_url)
    database.migrate()
    database.close()
    return create_app(chosen)


def client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=SITE, headers=OURS)


async def test_without_a_cookie_there_is_nothing(house: FastAPI) -> None:
    async with client(house) as nobody:
        assert (await nobody.get("/export")).status_code == 404
        assert (await nobody.get(f"/export/{uuid4()}")).status_code == 404
        assert (await nobody.post("/import", content=DOCUMENT)).status_code == 404


async def test_another_site_can_neither_import_nor_export(house: FastAPI) -> None:
    evil = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    async with client(house) as person:
        assert (await person.get("/library")).status_code == 200
        assert (await person.post("/import", content=DOCUMENT, headers=evil)).status_code == 403
        assert (await person.get("/export", headers=evil)).status_code == 403
        silent = httpx.AsyncClient(transport=person._transport, base_url=SITE, cookies=person.cookies)
        assert (await silent.post("/import", content=DOCUMENT)).status_code == 403


async def test_what_one_imports_nobody_else_exports(house: FastAPI) -> None:
    async with client(house) as ada, client(house) as bob:
        await ada.get("/library")
        await bob.get("/library")
        assert (await ada.post("/import", content=DOCUMENT)).json()["imported"] == 1
        assert (await ada.post("/import", content=DOCUMENT)).json()["unchanged"] == 1
        assert len((await ada.get("/export")).json()["conversations"]) == 1
        assert (await bob.get("/export")).json()["conversations"] == []
        database: Database = house.state.services.db
        from sqlmodel import select

        from convstore.models import Conversation

        with database.read() as session:
            (key,) = session.exec(select(Conversation.id)).all()
        mine = await ada.get(f"/export/{key}", params={"format": "markdown"})
        assert mine.status_code == 200
        assert mine.headers["cache-control"] == "no-store"
        disposition = mine.headers["content-disposition"]
        assert disposition.startswith("attachment; ")
        assert "/" not in disposition.replace("UTF-8''", "") and "\n" not in disposition
        for leads_nowhere in (key, uuid4(), "nonsense", "..%2f"):
            theirs = await bob.get(f"/export/{leads_nowhere}")
            assert theirs.status_code == 404
            assert theirs.json() in ({"detail": "Conversation not found"}, {"detail": "Not Found"})


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(house: FastAPI) -> None:
    async with client(house) as person:
        await person.get("/library")
        headers = {"content-length": str(receiving.BYTES + 1)}
        assert (await person.post("/import", content=b"[", headers=headers)).status_code == 413
