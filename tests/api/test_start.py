"""Starting: what is wrong is said in a line that names the variable, and the process ends; nothing shows a trace."""

import os
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from convstore import secret_key
from convstore.settings import BadSettings, Settings, load

ROOT = Path(__file__).parents[2]


def start(directory: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `python app.py` there until it ends by itself."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    argv = [sys.executable, str(ROOT / "app.py")]
    return subprocess.run(argv, cwd=directory, env=kept | env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"PORT": "many"}, "PORT: "),
        ({"PORT": "70000"}, "PORT: "),
        ({"LEASE_SECONDS": "0"}, "LEASE_SECONDS: "),
        ({"MAX_MESSAGE_CHARS": "100000000"}, "MAX_MESSAGE_CHARS: "),
        ({"TRUSTED_PROXIES": "nginx"}, "TRUSTED_PROXIES: "),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT: "),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1/x"}, "SECRET_KEY: must be set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY: "),
    ],
    ids=repr,
)
def test_a_wrong_setting_is_named(
    env: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as raised:
        load().signing_keys()
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)
    assert not any(value in str(raised.value) for value in env.values() if len(value) > 3)


def test_the_process_ends_with_that_line_and_no_trace(tmp_path: Path) -> None:
    ended = start(tmp_path, PORT="many", LEASE_SECONDS="-1")
    assert ended.returncode == 2
    assert "PORT: " in ended.stderr
    assert "LEASE_SECONDS: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_agent_that_does_not_exist_is_named(tmp_path: Path) -> None:
    ended = start(tmp_path, AGENT="nowhere:agent", PORT="0")
    assert ended.returncode == 2
    assert "AGENT=nowhere:agent" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = start(tmp_path, PORT=port)
    assert ended.returncode == 1
    assert f"PORT: cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_that_cannot_be_reached_is_tried_for_a_while_and_then_named(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    url = f"postgresql://ada:hidden-password@127.0.0.1:{port}/chat"
    began = time.monotonic()
    ended = start(tmp_path, DATABASE_URL=url, SECRET_KEY="k" * 32, START_TIMEOUT_SECONDS="2", PORT="0")
    assert ended.returncode == 1
    assert time.monotonic() - began > 2
    assert "DATABASE_URL: the postgresql database cannot be reached" in ended.stderr
    assert "hidden-password" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_environment_wins_over_the_file_and_an_empty_value_means_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=1111\nCHAT_MODEL=from-file\nLEASE_SECONDS=\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORT", "2222")
    loaded = load()
    assert (loaded.port, loaded.chat_model, loaded.lease_seconds) == (2222, "from-file", 10)


def test_with_sqlite_a_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    def key() -> list[str]:
        return Settings(
            _env_file=None, database_url=f"sqlite:///{tmp_path / 'd' / 'c.db'}", secret_key=None
        ).signing_keys()

    assert key() == key()
    assert len(key()[0]) >= 32
    assert stat.S_IMODE((tmp_path / "d" / secret_key.FILE_NAME).stat().st_mode) == 0o600


def test_instances_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as together:
        keys = set(together.map(lambda _: secret_key.beside(tmp_path / "c.db"), range(64)))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == [secret_key.FILE_NAME]


def test_every_setting_is_explained_in_the_example_file() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {line.lstrip("# ").split("=")[0] for line in lines if "=" in line and line.lstrip("# ")[:1].isupper()}
    assert {name.upper() for name in Settings.model_fields} == {name for name in named if name.isupper()}
