"""`python -m convstore …`: what whoever runs convstore does by hand or by timer. The settings are those of the server.

The exit code is 0 when all is well, 1 when `check` found something, 2 when a command could not do its work.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Annotated

import typer

from convstore import counts, integrity, logs, purging, schema, settings
from convstore.database import Database
from convstore.errors import ConvstoreError
from convstore.settings import BadSettings, Settings

app = typer.Typer(
    help="Look after a convstore database. Settings come from the environment and .env, as for the server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
CANNOT = 2


@app.command()
def migrate() -> None:
    """Bring the tables up to this version. The server does that itself when it starts."""
    with _database() as db:
        db.migrate()
        typer.echo(f"{db.dialect}: the tables are at revision {schema.newest()}")


@app.command()
def token(
    user: Annotated[str, typer.Option(help="Who the token speaks for: the {user_id} of the API's paths.")],
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 366, help="How long it is good.")] = 24.0,
) -> None:
    """Print a bearer token for development. In production, whoever signs your people in signs their tokens."""
    from convstore.api import tokens  # with FastAPI: slow to import, and for this command only

    with _settings() as chosen:
        secrets = chosen.token_secrets()
        if not secrets:
            raise BadSettings("JWT_SECRET: is not set, and with a public key alone no token can be signed here.")
        try:
            made = tokens.mint(secrets[0], user, hours * 3600, issuer=chosen.jwt_issuer, audience=chosen.jwt_audience)
        except ValueError as error:
            raise BadSettings(str(error)) from None
        typer.echo(made)


@app.command()
def stats(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Print how much there is of everything."""
    with _database(ready=True) as db, db.read() as session:
        found = counts.everything(session)
        about = {"database": db.dialect, "revision": schema.newest(), "bytes": counts.size(session)}
    if as_json:
        typer.echo(json.dumps(about | found))
        return
    for name, value in (about | found).items():
        typer.echo(f"{name:<28} {value:>16,}" if isinstance(value, int) else f"{name:<28} {value:>16}")


@app.command()
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Remove for good what is past its time: the trash after TRASH_DAYS, expired keys, orphan deltas, old counts.

    Safe while instances run, and when it is stopped. Run it daily.
    """
    with _database(ready=True) as db, _settings() as chosen:
        for kind in purging.kinds(chosen.trash_days):
            if dry_run:
                with db.read() as session:
                    typer.echo(f"{kind.count(session):>12,} {kind.name} would go")
            else:
                typer.echo(f"{purging.purge(db, kind):>12,} {kind.name} removed")


@app.command()
def check(most: Annotated[int, typer.Option(min=1, help="Stop after so many findings.")] = 1000) -> None:
    """Look for damage: in the trees, positions, lanes, statuses, leases, deltas and tool calls. Changes nothing.

    Prints a line per finding; exits with 1 when there is one. Safe while instances run.
    """
    with _database(ready=True) as db:
        found = 0
        for finding in islice(integrity.findings(db), most):
            found += 1
            typer.echo(str(finding))
        if found:
            typer.echo(f"{found:,} findings" + (", and perhaps more" if found == most else ""), err=True)
            raise typer.Exit(1)
        typer.echo("nothing found")


@contextmanager
def _settings() -> Iterator[Settings]:
    """The settings; whatever is wrong with them or with the database is told in a line, without a trace."""
    try:
        chosen = settings.load()
        logs.set_up(chosen.log_level, chosen.log_format)
        yield chosen
    except (BadSettings, ConvstoreError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(CANNOT) from None


@contextmanager
def _database(*, ready: bool = False) -> Iterator[Database]:
    """The database; `ready`: it is there, with the tables of this version."""
    with _settings() as chosen:
        file = settings.sqlite_file(chosen.database_url)
        if ready and file is not None and not file.exists():
            raise BadSettings(f"DATABASE_URL: there is no file {file}. Run `python -m convstore migrate` to make it.")
        db = Database(chosen.database_url, pool_size=2)
        try:
            if ready:
                db.check()
            yield db
        finally:
            db.close()
