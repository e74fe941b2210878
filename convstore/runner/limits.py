"""What one instance allows an answer, and itself."""

from dataclasses import dataclass, field

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
    per_person: Allowance = field(default_factory=Allowance)  # over all instances
