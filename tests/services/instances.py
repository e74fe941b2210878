"""Real instances: processes of `python app.py` on one database; nginx in front and a scripted model behind, if needed.

    with cluster(directory, database_url, count=2, proxy=True, model=True) as site:
        site.url                    # through the proxy; without one, the first instance
        site.instances[1].kill()    # SIGKILL; also terminate(), pause(), resume(), start()
        site.model.url              # OPENAI_BASE_URL of the scripted model

Each instance logs to a file in `directory`; a failing start shows its end. All are ended by pid when the block ends.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.services import nginx
from tests.services.processes import end, free_port, spawn, tail
from tests.services.waiting import until

ROOT = Path(__file__).parents[2]
SCALED = {"LEASE_SECONDS": "2", "DRAIN_SECONDS": "3"}  # the promises are in these units; tests need not wait for 10 s


class Instance:
    """One process of the app. `name` is its INSTANCE_NAME, `url` its own address."""

    def __init__(self, name: str, directory: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / f"{name}.log"
        self.env = dict(env) | {"HOST": "127.0.0.1", "PORT": str(self.port), "INSTANCE_NAME": name}
        self._directory = directory
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        """Start it (again, on the same port) and wait until it is ready."""
        assert not self.alive, f"{self.name} is already running"
        argv = [sys.executable, str(ROOT / "app.py")]
        # Its own working directory: neither a developer's .env nor data/ may leak into a test.
        self.process = spawn(argv, self.log, env=self.env, cwd=self._directory)
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Wait until /readyz says 200."""
        until(self._ready, f"{self.name} to be ready", seconds, every=0.1)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def answers(self) -> int:
        """How many answers it is writing now, by its own word."""
        return int(httpx.get(self.url + "/readyz", timeout=10).json()["answers"])

    def kill(self) -> None:
        """SIGKILL: it gets no chance to do anything."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds: float = 30.0) -> float:
        """SIGTERM, and wait for the exit. Returns how long that took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(seconds)
        return time.monotonic() - began

    def pause(self) -> None:
        """SIGSTOP: it stands still and does not know."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Gone for sure, whatever state it is in."""
        if self.process is not None:
            end(self.process, signal.SIGKILL)

    def _ready(self) -> bool:
        assert self.alive, f"{self.name} ended while starting:\n{tail(self.log)}"
        try:
            return httpx.get(self.url + "/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@dataclass
class Model:
    """The scripted OpenAI-compatible server, as a process; `url` is what OPENAI_BASE_URL takes."""

    address: str
    log: Path

    @property
    def url(self) -> str:
        return f"{self.address}/v1"

    def requests(self) -> list[dict[str, Any]]:
        """What it was asked so far; `_at` is when."""
        found: list[dict[str, Any]] = httpx.get(f"{self.address}/requests", timeout=10).json()
        return found


@dataclass
class Cluster:
    """Instances on one database. Requests to `url` go to any of them in turn when there is a proxy."""

    directory: Path
    database_url: str
    env: dict[str, str]
    instances: list[Instance] = field(default_factory=list)
    proxy: nginx.Nginx | None = None
    model: Model | None = None

    @property
    def url(self) -> str:
        return self.proxy.url if self.proxy else self.instances[0].url

    @property
    def lease_seconds(self) -> float:
        return float(self.env["LEASE_SECONDS"])

    @property
    def drain_seconds(self) -> float:
        return float(self.env["DRAIN_SECONDS"])

    def named(self, name: str) -> Instance:
        """The instance with this INSTANCE_NAME."""
        return next(instance for instance in self.instances if instance.name == name)

    def restore(self) -> None:
        """All instances running and ready again, whatever the last test did to them."""
        for instance in self.instances:
            if instance.alive:
                instance.resume()
            else:
                instance.start(wait=False)
        for instance in self.instances:
            instance.wait_ready()


@contextmanager
def cluster(
    directory: Path,
    database_url: str,
    *,
    count: int = 2,
    proxy: bool = False,
    model: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Cluster]:
    """`count` instances, ready to be used. `settings` are environment variables for all of them."""
    directory.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    env = kept | SCALED | {"DATABASE_URL": database_url, "SECRET_KEY": "a-secret-of-the-tests-only-0123456789"}
    with ExitStack() as stack:
        site = Cluster(directory, database_url, env)
        if model:
            site.model = stack.enter_context(timed_model(directory))
            env |= {"OPENAI_BASE_URL": site.model.url, "OPENAI_API_KEY": "test", "CHAT_MODEL": "scripted"}
        env |= settings or {}
        for number in range(1, count + 1):
            instance = Instance(f"instance-{number}", directory, env)
            site.instances.append(instance)
            stack.callback(instance.end)
            instance.start(wait=False)  # at once: the migrations of all of them meet
        for instance in site.instances:
            instance.wait_ready()
        if proxy:
            ports = [instance.port for instance in site.instances]
            site.proxy = stack.enter_context(nginx.running(directory / "nginx", ports))
        yield site


@contextmanager
def timed_model(directory: Path) -> Iterator[Model]:
    """The scripted model server in a process of its own, so that it does not slow the test down."""
    port = free_port()
    log = directory / "model.log"
    process = spawn([sys.executable, "-m", "tests.services.timed_model", "--port", str(port)], log, cwd=ROOT)
    model = Model(f"http://127.0.0.1:{port}", log)

    def answers() -> bool:
        assert process.poll() is None, f"the scripted model did not start:\n{tail(log)}"
        try:
            httpx.get(f"{model.address}/v1/models", timeout=5)
        except httpx.TransportError:
            return False
        return True

    try:
        until(answers, "the scripted model to answer", 20)
        yield model
    finally:
        end(process)
