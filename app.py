"""The front door: `python app.py` serves convstore; `create_app()` is the same application for any ASGI server.

Everything is put together here and nowhere else. This file imports all rooms and is imported by none.
"""

import logging
import os
import sqlite3
import sys
from typing import TYPE_CHECKING

from convstore import logs, neighbours, settings
from convstore.settings import BadSettings, Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger("convstore")

# https://sqlite.org/releaselog/3_51_3.html: with several processes writing, an older one can lose a WAL reset.
SQLITE_SAFE_FOR_MANY = (3, 51, 3)


def create_app(chosen: Settings | None = None) -> "FastAPI":
    """The whole application. Without settings it reads them from the environment and `.env`. Raises `BadSettings`."""
    # Imported here: gradio and fastapi take seconds, and a wrong setting should be told at once.
    from fastapi import FastAPI

    from convstore import agents, api
    from convstore.api import docs, errors, metrics, openapi, tokens
    from convstore.api.counted import Counted
    from convstore.api.identity import viewer
    from convstore.api.origin import is_ours
    from convstore.database import Database
    from convstore.errors import Invalid
    from convstore.follow import Hub
    from convstore.runner import Limits, Runner
    from convstore.serving import Instance
    from convstore.transfer import receiving
    from convstore.usage import Allowance

    chosen = chosen or settings.load()
    keys = chosen.signing_keys()
    try:
        agent = agents.load(
            chosen.agent,
            api_key=chosen.openai_api_key,
            base_url=chosen.openai_base_url,
            model=chosen.chat_model,
            timeout_seconds=chosen.model_timeout_seconds,
        )
        db = Database(chosen.database_url, pool_size=chosen.pool_size)
        verifier = tokens.verifier(
            chosen.token_secrets(),
            chosen.jwt_public_key,
            chosen.jwt_jwks_url,
            issuer=chosen.jwt_issuer,
            audience=chosen.jwt_audience,
        )
    except (ValueError, Invalid) as error:
        raise BadSettings(str(error)) from error
    named = [name.strip() for name in chosen.chat_models.split(",") if name.strip()]
    limits = Limits(
        lease_seconds=chosen.lease_seconds,
        answers=chosen.max_answers,
        attempts=chosen.max_attempts,
        answer_seconds=chosen.answer_seconds,
        answer_characters=chosen.max_answer_chars,
        message_characters=chosen.max_message_chars,
        history_messages=chosen.history_messages,
        history_tokens=chosen.history_tokens,
        conversation_messages=chosen.max_conversation_messages,
        system_prompt=chosen.system_prompt,
        models=frozenset(named and [*named, chosen.chat_model]),
        per_person=Allowance(
            chosen.limit_requests_per_minute, chosen.limit_running_answers, chosen.limit_tokens_per_day
        ),
    )
    runner = Runner(db, agent, chosen.instance_name, limits)
    hub = Hub(db)
    runner.on_change = hub.hint
    instance = Instance(
        db,
        runner,
        hub,
        drain_seconds=chosen.drain_seconds,
        start_timeout_seconds=chosen.start_timeout_seconds,
    )
    readiness = api.Readiness(db, chosen.instance_name, lambda: runner.running, lambda: instance.leaving)

    app = FastAPI(title="convstore", lifespan=instance.lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.instance = instance
    app.state.services = api.Services(
        db,
        runner,
        hub,
        verifier,
        wait_seconds=chosen.api_wait_seconds,
        max_body_bytes=chosen.max_body_bytes,
        max_page_items=chosen.max_page_items,
    )
    errors.install(app)
    openapi.install(app)
    app.include_router(api.routes(hub, readiness))
    app.include_router(docs.routes(app))
    counts = metrics.Metrics(db, runner, hub)
    app.include_router(metrics.routes(counts, chosen.metrics_token))

    import pages
    from pages.gate import CALL
    from pages.mount import mount
    from pages.offered import Offered

    label = getattr(agent, "label", None)
    services = pages.Services(
        db=db,
        runner=runner,
        hub=hub,
        model_label=label if isinstance(label, str) else "",
        demo=chosen.agent_spec == "demo",
        models=Offered(agent, named),
        signed_in=chosen.trusted_user_header is not None,
        trash_days=chosen.trash_days,
        import_bytes=receiving.BYTES,
        max_message_chars=chosen.max_message_chars,
    )
    shown = mount(app, services, viewer, is_ours)
    app.add_middleware(Counted, count=counts.count_response, named=shown | {CALL})
    surround(app, chosen, keys, shown)
    return app


def surround(app: "FastAPI", chosen: Settings, keys: list[str], shown: frozenset[str]) -> None:
    """What every request passes on its way in: its id, proxy headers, safe defaults, identity (issued on `shown`)."""
    from starlette.middleware.cors import CORSMiddleware

    from convstore.api.headers import SafeHeaders
    from convstore.api.identity import Identity, Signer
    from convstore.api.origin import TrustedProxies
    from convstore.api.request_ids import RequestIds

    # The last one added is the first to see a request.
    # This one allows nobody, and with it in place Gradio's own, which allows everybody, steps back.
    app.add_middleware(CORSMiddleware)
    app.add_middleware(
        Identity,
        signer=Signer(keys),
        issues_on=shown.__contains__,
        cookie=chosen.cookie_name,
        by_gateway=chosen.trusted_user_header is not None,
    )
    app.add_middleware(SafeHeaders)
    app.add_middleware(TrustedProxies, trusted=chosen.trusted_proxies, user_header=chosen.trusted_user_header)
    app.add_middleware(RequestIds, current=logs.request_id)


def main() -> int:
    """Serve until told to stop. Returns the exit code."""
    try:
        chosen = settings.load()
        logs.set_up(chosen.log_level, chosen.log_format)
        chosen.signing_keys()
        return _serve(chosen)
    except BadSettings as error:
        print(f"convstore cannot start.\n{error}", file=sys.stderr)
        return 2


def _serve(chosen: Settings) -> int:
    from convstore.serving import CannotStart, listen, serve

    try:
        bound = listen(chosen.host, chosen.port)
    except CannotStart as error:
        print(f"convstore cannot start.\n{error}", file=sys.stderr)
        return 1
    app = create_app(chosen)
    host, port = bound.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    problem = serve(app, app.state.instance, bound, lambda: _say_hello(chosen, url), access_log=chosen.access_log)
    if problem:
        print(f"convstore cannot start.\n{problem}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)  # a thread may still wait for the database that does not answer
    return 0


def _say_hello(chosen: Settings, url: str) -> None:
    file = settings.sqlite_file(chosen.database_url)
    if file and sqlite3.sqlite_version_info < SQLITE_SAFE_FOR_MANY and neighbours.move_in(file):
        log.warning(
            "another process uses %s too, and SQLite %s can lose a write then: use 3.51.3 or newer, or PostgreSQL",
            file,
            sqlite3.sqlite_version,
        )
    demo = "the offline demo model (set OPENAI_API_KEY for a real one)"
    agent = demo if chosen.agent_spec == "demo" else chosen.agent_spec
    log.info("convstore is at %s, answered by %s", url, agent, extra={"instance": chosen.instance_name})


if __name__ == "__main__":
    sys.exit(main())
