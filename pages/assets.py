"""Our own scripts and styles, at `/ui/<version>/<file>`: the version is a hash of all of them.

A URL with the version this process has is kept by browsers and proxies for ever. While a new release rolls out, a page
of one release may ask an instance of the other: it gets that instance's file, marked as not to be kept.
"""

import hashlib
from functools import cache
from pathlib import Path

from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from pages.cached import FOR_EVER

FOLDER = Path(__file__).parent / "static"


@cache
def version() -> str:
    """A short hash of all files in `pages/static`."""
    digest = hashlib.sha256()
    for file in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        digest.update(file.relative_to(FOLDER).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def url(name: str) -> str:
    """Where the browser finds this file of `pages/static`."""
    return f"/ui/{version()}/{name}"


class Assets:
    """ASGI, mounted at `/ui`."""

    def __init__(self) -> None:
        self.files = StaticFiles(directory=FOLDER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root = scope.get("root_path", "")
        asked, _, name = scope["path"].removeprefix(root).lstrip("/").partition("/")
        lifetime = FOR_EVER if asked == version() else "no-store"

        async def with_lifetime(message: Message) -> None:
            if message["type"] == "http.response.start":
                served = message["status"] in (200, 206, 304)
                value = (lifetime if served else "no-store").encode()
                message["headers"] = [*message["headers"], (b"cache-control", value)]
            await send(message)

        await self.files({**scope, "root_path": root, "path": f"{root}/{name}"}, receive, with_lifetime)
