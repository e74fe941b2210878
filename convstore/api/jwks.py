"""A set of keys at a URL (JWT_JWKS_URL), where whoever signs the tokens publishes and rotates them.

- Kept for some minutes. A token that names an unknown key has the set loaded again at once: a rotation needs no wait.
- However many tokens ask, one request is under way at a time, and only so many in a minute.
- When the URL does not answer, the keys last seen count for an hour; with none at all the answer is 503, not 401.
"""

import asyncio
import json
import logging
import time
from collections import deque

import httpx

from convstore.api import keys
from convstore.api.keys import Key
from convstore.errors import Unavailable

log = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
STALE_SECONDS = 3600.0
LOAD_SECONDS = 4.0
LOADS_A_MINUTE = 6
MOST_BYTES = 500_000


class KeySet:
    """The keys at this URL, as they were when it was last asked."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: list[Key] = []
        self._loaded_at: float | None = None
        self._tries: deque[float] = deque(maxlen=LOADS_A_MINUTE)
        self._loading = asyncio.Lock()

    async def matching(self, algorithm: str, kid: str | None) -> list[Key]:
        """The keys that may have signed a token with this header. Raises `Unavailable` when there are none at all."""
        if self._age > FRESH_SECONDS:
            await self._load()
        if kid is not None and all(key.kid != kid for key in self._keys):
            await self._load()
        if self._age > STALE_SECONDS:
            raise Unavailable("The keys that verify tokens cannot be loaded right now. Try again in a few seconds.")
        fitting = [key for key in self._keys if key.algorithm == algorithm]
        return fitting if kid is None else [key for key in fitting if key.kid == kid]

    @property
    def _age(self) -> float:
        return float("inf") if self._loaded_at is None else time.monotonic() - self._loaded_at

    async def _load(self) -> None:
        asked_at = time.monotonic()
        async with self._loading:
            if self._loaded_at is not None and self._loaded_at > asked_at:
                return  # somebody else has just done it
            if len(self._tries) == LOADS_A_MINUTE and asked_at - self._tries[0] < 60:
                return
            self._tries.append(time.monotonic())
            try:
                async with asyncio.timeout(LOAD_SECONDS):
                    self._keys = keys.of_set(json.loads(await self._fetch()))
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError, TimeoutError) as error:
                log.warning("JWT_JWKS_URL: the keys cannot be loaded (%s)", error or type(error).__name__)
                return
            self._loaded_at = time.monotonic()
            if not self._keys:
                log.warning("JWT_JWKS_URL: none of the keys there is one for RS256, ES256 or EdDSA signatures")

    async def _fetch(self) -> bytes:
        async with (
            httpx.AsyncClient(timeout=LOAD_SECONDS, follow_redirects=False) as client,
            client.stream("GET", self._url, headers={"Accept": "application/json"}) as response,
        ):
            if response.status_code != 200:
                raise ValueError(f"it answers with status {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise ValueError("it is too large")
            return bytes(body)
