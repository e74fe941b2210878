"""A file to download, written while it is sent."""

from collections.abc import AsyncIterator
from typing import Literal
from urllib.parse import quote

from fastapi.responses import StreamingResponse

from convstore import titles

UNNAMED = "conversation"

Format = Literal["json", "markdown"]

_TYPES = {"json": ("application/json", "json"), "markdown": ("text/markdown; charset=utf-8", "md")}


async def attachment(written: AsyncIterator[str], title: str, kind: Format) -> StreamingResponse:
    """These pieces under a name made from the title. Raises what the first piece raises, before anything is sent."""
    first = await anext(written)
    type_, ending = _TYPES[kind]
    name = titles.file_name(title)
    plain = name.encode("ascii", "ignore").decode().strip()
    return StreamingResponse(
        _from(first, written),
        media_type=type_,
        headers={
            # https://www.rfc-editor.org/rfc/rfc6266: the second for names that are not ASCII
            "Content-Disposition": f'attachment; filename="{plain or UNNAMED}.{ending}"; '
            f"filename*=UTF-8''{quote(name)}.{ending}",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        },
    )


async def _from(first: str, rest: AsyncIterator[str]) -> AsyncIterator[bytes]:
    yield first.encode()
    async for piece in rest:
        yield piece.encode()
