"""What the JSON API's routes get to work with, as a dependency of each."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from convstore.api.tokens import Verifier
from convstore.database import Database
from convstore.errors import Invalid
from convstore.follow import Hub
from convstore.runner import Runner


@dataclass(frozen=True, slots=True)
class Services:
    """Shared by every request of this process; nothing in it remembers one."""

    db: Database
    runner: Runner
    hub: Hub
    verifier: Verifier
    wait_seconds: float = 120.0  # for an answer that is not streamed
    max_body_bytes: int = 1_000_000
    max_page_items: int = 200

    def page_size(self, asked: int | None, usual: int) -> int:
        """How many items a page has. Raises `Invalid` when more are asked for than there may be."""
        if asked is None:
            return min(usual, self.max_page_items)
        if asked > self.max_page_items:
            raise Invalid(f"A page has at most {self.max_page_items} items. Ask for fewer, and for the next page.")
        return asked


def services_of(request: Request) -> Services:
    """The services of the application that got this request."""
    found = request.app.state.services
    assert isinstance(found, Services)
    return found


Here = Annotated[Services, Depends(services_of)]
