"""How long `openai_chat` waits, how often it tries again, how far it goes: one place, far below the client's 600 s."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and counts for one answer.

    - `timeout_seconds`: the longest silence, and the longest wait for the first piece with all retries in it.
    - `retries`: of a request that has not produced anything yet. Nothing that was shown is ever asked for again.
    - `longest_pause_seconds`: a `Retry-After` beyond this is shown to the person instead of waited for.
    - `max_rounds`: how often the model may call tools before it has to answer with what it has.
    """

    timeout_seconds: float = 60.0
    connect_seconds: float = 5.0
    retries: int = 2
    pause_seconds: float = 0.5
    longest_pause_seconds: float = 10.0
    max_rounds: int = 8

    def __post_init__(self) -> None:
        if min(self.timeout_seconds, self.connect_seconds) <= 0 or self.retries < 0 or self.max_rounds < 0:
            raise ValueError("time-outs must be above 0, retries and rounds not below 0")
