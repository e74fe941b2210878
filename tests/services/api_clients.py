"""A program that calls the JSON API of a real site, as a product team's would: plain HTTP and a bearer token."""

import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from convstore.api import tokens

Json = dict[str, Any]
SECRET = "a-jwt-secret-of-the-tests-only-0123456789"


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a stream."""

    name: str
    id: str
    data: Json


class ApiClient:
    """The program of one user. `at=` sends a single request to another address of the same site."""

    def __init__(self, url: str, user: str, timeout_seconds: float = 60.0) -> None:
        self.url, self.user = url, user
        token = tokens.mint(SECRET, user, 3600)
        self.http = httpx.Client(timeout=timeout_seconds, headers={"Authorization": f"Bearer {token}"})

    def call(self, method: str, path: str, *, at: str | None = None, **options: Any) -> httpx.Response:
        """One request below the user's own `/api/{user_id}/`."""
        return self.http.request(method, f"{at or self.url}/api/{self.user}/{path}", **options)

    def chat(
        self, message: str, conversation: UUID | str | None = None, *, key: str | None = None, at: str | None = None
    ) -> Json:
        """A message and its whole answer."""
        headers = {"Idempotency-Key": key} if key else {}
        body = {"message": message, "conversation_id": str(conversation) if conversation else None}
        reply: Json = self.call("POST", "chat", at=at, json=body, headers=headers).raise_for_status().json()
        return reply

    def stream(
        self,
        message: str,
        conversation: UUID | str | None = None,
        *,
        after: str | None = None,
        at: str | None = None,
    ) -> Generator[Told]:
        """A message and its answer as it is written. `after`: the id of the last event of a stream that was cut off."""
        body = {"message": message, "conversation_id": str(conversation) if conversation else None, "stream": True}
        headers = {"Last-Event-ID": after} if after else {}
        address = f"{at or self.url}/api/{self.user}/chat"
        with self.http.stream("POST", address, json=body, headers=headers) as response:
            response.read() if response.is_error else None
            response.raise_for_status()
            yield from events_of(response)

    def follow(self, conversation: UUID | str, *, at: str | None = None) -> Generator[Told]:
        """What happens in a conversation."""
        address = f"{at or self.url}/api/{self.user}/conversations/{conversation}/events"
        with self.http.stream("GET", address) as response:
            response.raise_for_status()
            yield from events_of(response)

    def messages(self, conversation: UUID | str, *, at: str | None = None) -> list[Json]:
        """The newest messages of a conversation."""
        page = self.call("GET", f"conversations/{conversation}/messages", at=at).raise_for_status().json()
        items: list[Json] = page["items"]
        return items

    def close(self) -> None:
        self.http.close()


def events_of(response: httpx.Response) -> Generator[Told]:
    """The events of a stream; one that was cut off in the middle is none."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if not line:
            if "data" in fields:
                yield Told(fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"]))
            fields = {}
            continue
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value


@dataclass
class Reader:
    """What a client of a stream makes of its events."""

    text: str = ""
    last_id: str = ""
    resets: int = 0
    done: Json | None = None

    def take(self, event: Told) -> None:
        """Take one event as the documentation says."""
        self.last_id = event.id
        if event.name == "delta":
            self.text += event.data["text"]
        elif event.name == "reset":
            self.text = ""
            self.resets += 1
        elif event.name == "done":
            self.done = event.data
