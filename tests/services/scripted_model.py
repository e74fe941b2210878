"""A real HTTP server that speaks OpenAI's chat completions and does as it is told: the other end of `openai_chat`.

`with ScriptedModel() as model:` runs it in a thread (`model.base_url`, `model.requests`); as a process:
`python -m tests.services.scripted_model --port 9000`. The script is the first word of the last user message, or else
the model's name, with its numbers after colons: `ok:50:20` is 50 tokens at 20 a second. Without a script: `ok`.

    ok:COUNT:RATE     COUNT numbered tokens (20), RATE a second (0: at once), then usage
    reasoning         `reasoning_content`, then an answer          reasoning2   the same as `reasoning`
    tool  parallel  rounds    one call in fragments; two at once; two rounds of one call each
    bad_json  unknown  loop  same_id    a call no tool can take; to no tool; again and again; the same id twice
    no_index  whole             calls without index; calls in one piece as some servers send them
    401 403 404 500 503  context  quota    always this answer
    429:SECONDS  flaky          once 429 with Retry-After, once 500; then ok
    cut:COUNT  cut_first  malformed  error_event  html  empty  silent  filter  length  length_tool
    hang  hang_midway  drip:SECONDS        no headers; silent after a word; a comment every so many seconds, no data
    no_usage  plain_json        refuses `stream_options`; answers with one JSON body

`GET /requests` returns what was asked so far, `GET /v1/models` three names. Written on bare asyncio, so that 200
streams at 50 tokens a second leave most of a core to what is being tested.
"""

import argparse
import asyncio
import json
import threading
from collections import Counter
from contextlib import suppress
from typing import Any, Self

from tests.services import model_scripts

Json = dict[str, Any]


class ScriptedModel:
    """The server, in a thread of its own between `with` and the end of the block."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.requests: list[Json] = []
        self.open_streams = 0  # answers being written; a client that goes away ends its own
        self.seen: Counter[str] = Counter()  # how often each script was asked for
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.start(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False when the connection is over."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if method == "GET":
            found = {"/requests": self.requests, "/v1/models": model_scripts.MODELS}.get(path)
            return _send_json(writer, 200 if found else 404, found if found is not None else {"error": "no such page"})
        request = json.loads(body)
        self.requests.append(request | {"_authorization": headers.get("authorization", "")})
        return await self._answer(request, reader, writer)

    async def _answer(self, request: Json, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        name, numbers = model_scripts.choose(request)
        self.seen[name] += 1
        refusal = model_scripts.refusal(name, numbers, self.seen[name], request)
        if refusal is not None:
            return _send(writer, *refusal)
        gone = asyncio.create_task(reader.read(1))  # the client sends nothing more; this ends when it goes away
        stream = asyncio.create_task(self._stream(name, numbers, request, writer))
        self.open_streams += 1
        try:
            await asyncio.wait({gone, stream}, return_when=asyncio.FIRST_COMPLETED)
            whole = stream.done() and stream.result()
        finally:
            self.open_streams -= 1
            gone.cancel()
            stream.cancel()
            await asyncio.gather(gone, stream, return_exceptions=True)
        return whole

    async def _stream(self, name: str, numbers: list[float], request: Json, writer: asyncio.StreamWriter) -> bool:
        if name == "hang":
            await asyncio.Event().wait()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
            b"Cache-Control: no-store\r\n\r\n"
        )
        async for piece in model_scripts.stream(name, numbers, request):
            if piece is None:  # the connection breaks here
                await writer.drain()
                return False
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if writer.transport.get_write_buffer_size() > 65536:
                await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


def _send_json(writer: asyncio.StreamWriter, status: int, body: object) -> bool:
    return _send(writer, status, {"Content-Type": "application/json"}, json.dumps(body).encode())


def _send(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> bool:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {status} Scripted\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return True


async def _serve(port: int) -> None:
    model = ScriptedModel(port)
    await model.start()
    print(f"scripted model on {model.base_url}", flush=True)  # noqa: T201 - what whoever started it waits for
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A scripted chat completions server for tests")
    parser.add_argument("--port", type=int, default=0)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args().port))
