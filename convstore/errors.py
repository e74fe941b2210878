"""One small tree of errors: raised by name in the store, translated once per face (HTTP status, page message).

Every message says what the caller can do next and may be shown to people as it is: no SQL, no DSN, no stack trace.
"""


class ConvstoreError(Exception):
    """Something went wrong; try again."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").splitlines()[0])


class NotFound(ConvstoreError):
    """Conversation not found"""


class Conflict(ConvstoreError):
    """This has changed in the meantime. Reload and try again."""


class Invalid(ConvstoreError):
    """This cannot be accepted as it is. Correct it and try again."""


class VersionMismatch(Conflict):
    """The conversation has changed since you loaded it. Load it again and repeat the change."""


class LimitReached(ConvstoreError):
    """Too much at once. Wait a moment and try again."""

    def __init__(self, message: str | None = None, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(ConvstoreError):
    """The database cannot be reached right now. Nothing was lost; try again in a few seconds."""


class SchemaError(ConvstoreError):
    """The database's tables do not fit this version of convstore."""


class LeaseLost(ConvstoreError):
    """Another instance has taken this answer over; what this one still writes is dropped."""
