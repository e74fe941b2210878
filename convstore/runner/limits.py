"""What one instance allows an answer, and itself."""

from dataclasses import dataclass, field

from convstore.errors import Invalid
from convstore.usage import Allowance


@dataclass(frozen=True, slots=True)
class Limits:
    """Durations in seconds, texts in characters."""

    lease_seconds: float = 10.0
    sweep_seconds: float = 1.0  # between two looks for queued and abandoned answers
    answers: int = 100  # written at once; over that they stay queued
    attempts: int = 5  # of one answer, over all instances
    answer_seconds: float = 600.0
    answer_characters: int = 500_000
    message_characters: int = 50_000
    history_messages: int = 50
    history_tokens: int = 16_000
    conversation_messages: int = 0  # in one conversation; 0: no limit
    system_prompt: str = ""
    models: frozenset[str] = frozenset()  # those that may be asked for; empty: any that the agent has
    per_person: Allowance = field(default_factory=Allowance)  # over all instances

    def refuse_model(self, name: str | None) -> None:
        """Raise `Invalid` for a model that may not be asked for; None is the agent's own choice."""
        if name is not None and self.models and name not in self.models:
            raise Invalid(f"The model {name!r} is not offered here. Choose one of: {', '.join(sorted(self.models))}.")
