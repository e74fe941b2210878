"""A real nginx in front of the instances, from the very file that we ship (`deploy/nginx.conf`).

Only addresses are replaced. The access log is read back: it tells which instance answered what, and how.
"""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.services.processes import end, free_port, spawn, tail
from tests.services.waiting import until

SHIPPED = Path(__file__).parents[2] / "deploy" / "nginx.conf"


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the access log. `upstreams`: every instance that was tried, the one that answered last."""

    method: str
    uri: str
    status: int
    upstreams: tuple[str, ...]
    seconds: float

    @property
    def path(self) -> str:
        return self.uri.partition("?")[0]


class Nginx:
    """A running proxy at `url`. `requests()` is its access log so far."""

    def __init__(self, directory: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.directory = directory
        self.url = f"http://127.0.0.1:{port}"
        self.process = process

    def requests(self) -> list[Request]:
        """Every finished request, in the order they ended (a stream ends when its reader leaves)."""
        found = []
        for line in (self.directory / "access.log").read_text().splitlines():
            entry = json.loads(line)
            upstreams = tuple(re.split(r"[ ,:]*[, ] *", entry["upstream"])) if entry["upstream"] else ()
            found.append(Request(entry["method"], entry["uri"], entry["status"], upstreams, entry["seconds"]))
        return found

    def refused(self) -> list[Request]:
        """Requests that were answered with a 4xx or 5xx. 499 is not an answer: the browser left first (a reload)."""
        return [request for request in self.requests() if request.status >= 400 and request.status != 499]


def executable() -> str:
    """Where nginx is. Fails with how to install it."""
    found = os.environ.get("NGINX") or shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    assert found, "these tests need a real nginx: `apt-get install nginx-light`, or name the program in NGINX"
    return found


def configuration(upstreams: Sequence[int], port: int) -> str:
    """The shipped file with these ports."""
    text = SHIPPED.read_text()
    servers = re.findall(r"^ +server 127\.0\.0\.1:\d+(.*)$", text, re.M)
    assert servers and len(set(servers)) == 1, "deploy/nginx.conf lists its upstream servers alike, one per line"
    lines = "\n".join(f"        server 127.0.0.1:{upstream}{servers[0]}" for upstream in upstreams)
    text = re.sub(r"(^ +server 127\.0\.0\.1:\d+.*$\n?)+", lines + "\n", text, count=1, flags=re.M)
    return re.sub(r"listen 127\.0\.0\.1:\d+;", f"listen 127.0.0.1:{port};", text)


@contextmanager
def running(directory: Path, upstreams: Sequence[int]) -> Iterator[Nginx]:
    """nginx in front of these loopback ports, strictly in turn; its files are in `directory`."""
    port = free_port()
    (directory / "temp").mkdir(parents=True, exist_ok=True)
    config = directory / "nginx.conf"
    config.write_text(configuration(upstreams, port))
    directives = "daemon off;"
    if os.geteuid() == 0:
        directives += " user root;"  # else its workers could not write under a private temporary directory
    argv = [executable(), "-p", str(directory), "-c", str(config), "-e", "error.log", "-g", directives]
    log = directory / "output.log"
    process = spawn(argv, log, end_signal=signal.SIGTERM)
    proxy = Nginx(directory, port, process)
    try:
        until(lambda: _listens(proxy, log), "nginx to listen")
        yield proxy
    finally:
        end(process, signal.SIGTERM)


def _listens(proxy: Nginx, log: Path) -> bool:
    assert proxy.process.poll() is None, f"nginx did not start:\n{tail(log)}\n{tail(proxy.directory / 'error.log')}"
    try:
        httpx.get(proxy.url + "/healthz", timeout=5)
    except httpx.TransportError:
        return False
    return True
