"""Every setting, typed and bounded, from the environment or `.env`. Read by `app.py` and the command line, nobody else.

The environment wins over `.env`. A wrong value is one line naming the variable, never a traceback: `load()` raises
`BadSettings` with those lines, and the front door prints them and exits.
"""

import os
import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from convstore import secret_key


class BadSettings(Exception):
    """The settings cannot be used; one line per variable."""


def _instance_name() -> str:
    return f"{socket.gethostname().split('.')[0][:24]}-{os.getpid()}"


class Settings(BaseSettings):
    """Field names are the variables in lower case. See `.env.example` for what each one does."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    # The front door
    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)  # 0: any free port
    instance_name: str = Field(default_factory=_instance_name, min_length=1, max_length=80)
    trusted_proxies: str = "127.0.0.1,::1"  # whose X-Forwarded-* headers count: addresses or networks, or *
    trusted_user_header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{1,60}$")  # names the page's viewer
    secret_key: str | None = Field(default=None, repr=False)  # comma separated: the first signs, all verify
    cookie_name: str = Field(default="convstore", pattern=r"^[A-Za-z0-9_-]{1,40}$")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    access_log: bool = False
    metrics_token: str | None = Field(default=None, repr=False)  # none: /metrics is open to whoever reaches it

    # The database
    database_url: str = Field(default="sqlite:///data/convstore.db", repr=False)
    pool_size: int = Field(default=10, ge=2, le=200)
    start_timeout_seconds: float = Field(default=15, ge=0, le=600)  # how long to wait for the database at start

    # The agent
    agent: str | None = None  # package.module:name, or the name of a built-in one
    openai_api_key: str | None = Field(default=None, repr=False)
    openai_base_url: str | None = None
    chat_model: str = "gpt-4o-mini"
    chat_models: str = ""  # that may be chosen, comma separated, besides chat_model; empty: any that the server has
    system_prompt: str = "You are a helpful assistant."
    model_timeout_seconds: float = Field(default=60, gt=0, le=3600)

    # Answers
    lease_seconds: float = Field(default=10, gt=0, le=600)
    drain_seconds: float = Field(default=10, ge=0, le=3600)
    max_answers: int = Field(default=100, ge=0, le=10_000)  # at once in this instance; 0: write none
    max_attempts: int = Field(default=5, ge=1, le=100)
    answer_seconds: float = Field(default=600, gt=0, le=86_400)

    # Sizes
    history_messages: int = Field(default=50, ge=1, le=2000)
    history_tokens: int = Field(default=16_000, ge=100, le=10_000_000)
    # A send is one POST of at most 200 KB, and a character may take four bytes of it.
    max_message_chars: int = Field(default=50_000, ge=1, le=50_000)
    max_answer_chars: int = Field(default=500_000, ge=1000, le=50_000_000)

    # The JSON API
    jwt_secret: str | None = Field(default=None, repr=False)  # comma separated: the first signs, all verify
    jwt_public_key: str | None = None  # PEM, one key or several
    jwt_jwks_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+")
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    api_wait_seconds: float = Field(default=120, gt=0, le=3600)  # for an answer that is not streamed
    max_body_bytes: int = Field(default=1_000_000, ge=10_000, le=100_000_000)
    max_page_items: int = Field(default=200, ge=1, le=200)
    max_conversation_messages: int = Field(default=0, ge=0, le=1_000_000_000)  # 0: no limit

    # Per person, over all instances. 0: no limit
    limit_requests_per_minute: int = Field(default=0, ge=0, le=1_000_000)
    limit_running_answers: int = Field(default=0, ge=0, le=1_000_000)
    limit_tokens_per_day: int = Field(default=0, ge=0, le=1_000_000_000)

    # Upkeep, for `python -m convstore purge`
    trash_days: float = Field(default=30, gt=0, le=36_500)

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for item in filter(None, (part.strip() for part in value.split(","))):
            if item == "*":
                continue
            try:
                ip_network(item, strict=False)
            except ValueError:
                raise ValueError("must be IP addresses or networks separated by commas, or *") from None
        return value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("trusted_user_header")
    @classmethod
    def _comes_from_somebody_we_know(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and "*" in info.data.get("trusted_proxies", ""):
            raise ValueError("anyone could be anyone. TRUSTED_PROXIES must name the gateway, not *")
        return value

    @property
    def agent_spec(self) -> str:
        """The agent to load: the one asked for, else a real model if there is a key or a server for it."""
        if self.agent:
            return self.agent
        return "openai_chat" if self.openai_api_key or self.openai_base_url else "demo"

    def signing_keys(self) -> list[str]:
        """The keys of the identity cookie, the signing one first. Raises `BadSettings`.

        With SQLite a key is made once and kept beside the database file. Any other database is shared by instances
        on several machines, which must all have the same key: there it has to be given.
        """
        if self.secret_key is not None:
            keys = [key.strip() for key in self.secret_key.split(",") if key.strip()]
            if not keys or any(len(key) < secret_key.MIN_CHARS for key in keys):
                raise BadSettings(
                    f"SECRET_KEY: each key needs at least {secret_key.MIN_CHARS} characters. "
                    "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
                )
            return keys
        file = sqlite_file(self.database_url)
        if file is None:
            raise BadSettings(
                "SECRET_KEY: must be set, the same on every instance, when DATABASE_URL is not SQLite. "
                "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        try:
            return [secret_key.beside(file)]
        except OSError as error:
            raise BadSettings(f"SECRET_KEY: cannot keep one beside {file}: {error.strerror}. Set it instead.") from None

    def token_secrets(self) -> list[str]:
        """The secrets that API tokens may be signed with, the first one for tokens of our own. Raises `BadSettings`.

        Nothing about tokens set: one that follows from SECRET_KEY, so that `python -m convstore token` works at once.
        """
        if self.jwt_secret is not None:
            return [secret.strip() for secret in self.jwt_secret.split(",") if secret.strip()]
        if self.jwt_public_key or self.jwt_jwks_url:
            return []
        return [secret_key.derived(key, "tokens of the JSON API") for key in self.signing_keys()]


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for any other database and for one in memory."""
    scheme, _, rest = url.partition("://")
    if scheme.split("+")[0] != "sqlite":
        return None
    path = rest.split("?")[0].removeprefix("/")
    return Path(path) if path and path != ":memory:" else None


def load() -> Settings:
    """The settings of this process. Raises `BadSettings` with one line per wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])).upper()}: {_plain(e['msg'])}" for e in error.errors()]
        raise BadSettings("\n".join(lines)) from None


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Input ")
