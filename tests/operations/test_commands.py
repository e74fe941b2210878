"""What somebody who types `python -m convstore …` gets to see, and what a script gets as the exit code."""

import json
from pathlib import Path

import jwt
import pytest
from sqlalchemy import text

from convstore import turns
from convstore.database import Database
from convstore.turns import Lease
from tests.operations.conftest import SECRET, run

HERE = Lease("here/1", "here", 30.0)


def test_a_fresh_database_is_made_by_migrate_and_found_in_order(empty_database_url: str, tmp_path: Path) -> None:
    not_yet = run(tmp_path, empty_database_url, "check")
    assert not_yet.returncode == 2
    assert "migrat" in not_yet.stderr
    made = run(tmp_path, empty_database_url, "migrate")
    assert made.returncode == 0
    assert "revision" in made.stdout
    assert run(tmp_path, empty_database_url, "migrate").returncode == 0, "doing it again does no harm"
    fine = run(tmp_path, empty_database_url, "check")
    assert (fine.returncode, fine.stdout) == (0, "nothing found\n")


def test_check_says_what_it_found_and_ends_with_one(database: Database, tmp_path: Path) -> None:
    turn = database.run(turns.begin, "ada", "hello", lease=HERE)
    with database.write() as session:
        session.execute(text("UPDATE conversation SET version = 0, message_count = 7"))
    done = run(tmp_path, database.url, "check")
    assert done.returncode == 1
    assert f"conversation {turn.conversation_id}: is at version 0" in done.stdout
    assert "2 findings" in done.stderr
    assert "and perhaps more" in run(tmp_path, database.url, "check", "--most", "1").stderr


def test_stats_counts_what_is_there(database: Database, tmp_path: Path) -> None:
    for owner in ("ada", "grace"):
        database.run(turns.begin, owner, "hello", lease=HERE)
    told = run(tmp_path, database.url, "stats", "--json")
    found = json.loads(told.stdout)
    assert found["database"] == database.dialect
    assert found["people"] == found["conversations"] == found["answers streaming"] == 2
    assert found["bytes"] > 0
    assert "people" in run(tmp_path, database.url, "stats").stdout


def test_a_dry_run_of_purge_only_says_what_would_go(database: Database, tmp_path: Path) -> None:
    database.run(turns.begin, "ada", "hello")
    with database.write() as session:
        session.execute(text("UPDATE message SET status = 'complete'"))
        session.execute(text("UPDATE conversation SET trashed_at = '2020-01-01 00:00:00.000000'"))
    told = run(tmp_path, database.url, "purge", "--dry-run")
    assert "1 conversations in the trash would go" in told.stdout
    kept = run(tmp_path, database.url, "purge", TRASH_DAYS="36500")
    assert "0 conversations in the trash removed" in kept.stdout
    gone = run(tmp_path, database.url, "purge")
    assert "1 conversations in the trash removed" in gone.stdout


def test_a_token_says_who_it_is_for_and_until_when(tmp_path: Path) -> None:
    env = {"JWT_SECRET": SECRET, "JWT_ISSUER": "https://issuer.example", "JWT_AUDIENCE": "convstore"}
    printed = run(tmp_path, "sqlite:///nowhere.db", "token", "--user", "ada", "--hours", "2", **env)
    assert printed.returncode == 0, printed.stderr
    said = jwt.decode(
        printed.stdout.strip(), SECRET, algorithms=["HS256"], audience="convstore", issuer="https://issuer.example"
    )
    assert said["sub"] == "ada"
    assert said["exp"] - said["iat"] == 7200


@pytest.mark.parametrize(
    ("command", "env", "told"),
    [
        (["token", "--user", "anon:me"], {"JWT_SECRET": SECRET}, "cannot be a user"),
        (["token", "--user", "ada"], {"JWT_JWKS_URL": "https://issuer.example/keys"}, "JWT_SECRET"),
        (["stats"], {"DATABASE_URL": "sqlite:///nowhere.db"}, "there is no file nowhere.db"),
        (["check"], {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "cannot be reached"),
        (["check"], {"DATABASE_URL": "mysql://somewhere/else"}, "DATABASE_URL"),
        (["purge"], {"TRASH_DAYS": "0"}, "TRASH_DAYS"),
        (["purge"], {"TRASH_DAYS": "soon"}, "TRASH_DAYS"),
    ],
)
def test_what_cannot_be_done_is_told_in_words_with_exit_code_two(
    tmp_path: Path, command: list[str], env: dict[str, str], told: str
) -> None:
    done = run(tmp_path, "sqlite:///here.db", *command, **env)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [], "nothing is made on the way"
