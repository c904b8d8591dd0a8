"""GET /live/stream: the lab as server-sent events, for as long as somebody looks.

It is an ASGI application of its own beside the Flask one: a viewer costs no thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from service.live.acks import Acks
from service.live.asking import Asked
from service.live.history import History
from service.live.sampler import Sampler
from service.live.viewers import Event, Viewer, Viewers
from service.problems import problem

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PATH: Final = "/live/stream"
#: The paths that answer without an end.
STREAMS: Final = frozenset({PATH})
#: How many may look at the same time, over all server processes.
MAX_VIEWERS: Final = 50
#: A browser that lost the stream asks again after so long.
_RETRY: Final = b"retry: 1000\n\n"
_HISTORY_TIMEOUT_S: Final = 2.0
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]

_Kept = tuple[list[bytes], tuple[int, list[bytes]], list[bytes]]


class Greeting(msgspec.Struct, frozen=True):
    """What the first event says of the lab, beside its history, marks and runs."""

    lab: str
    runtime: str
    #: Whether the page may change something.
    control: bool
    settings: dict[str, Any]
    max_pending: int
    window_ms: int


class Stream:
    """Serves the stream of one server process."""

    def __init__(
        self,
        sampler: Sampler,
        history: History,
        acks: Acks,
        viewers: Viewers,
        greeting: Callable[[], Greeting],
    ) -> None:
        self._sampler = sampler
        self._history = history
        self._acks = acks
        self._viewers = viewers
        self._greeting = greeting
        self._disk: Asked[_Kept] = Asked("the history", timeout_s=_HISTORY_TIMEOUT_S)
        #: Viewers that come together read the history in turn: it is asked once at a time.
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await _refuse(send, 405, "the stream can only be read", (b"allow", b"GET"))
        elif max(len(self._viewers), self._acks.all_viewers()) >= MAX_VIEWERS:
            await _refuse(send, 503, f"{MAX_VIEWERS} viewers look at the lab already")
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        viewer = Viewer(scope.get("extensions", {}).get("abort", _nothing))
        leaving = asyncio.create_task(_leave(viewer, receive))
        self._viewers.add(viewer)
        self._acks.viewers(len(self._viewers))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await _send(send, _RETRY + await self._hello(viewer))
            self._sampler.wake()
            while text := await viewer.next():
                await _send(send, text)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._viewers.remove(viewer)
            self._acks.viewers(len(self._viewers))
            leaving.cancel()

    async def _hello(self, viewer: Viewer) -> bytes:
        """The first event: the lab, and what was before the viewer came."""
        async with self._turn:
            kept = await self._disk.ask(self._kept)
        samples, (last, marks), runs = kept or ([], (0, []), [])
        viewer.knows("mark", last)
        if kept is not None:
            self._sampler.tell_marks_after(last)
        if samples:
            viewer.skip("sample", float(msgspec.json.decode(samples[-1])["at"]))
        head = msgspec.json.encode(self._greeting())[:-1]
        body = b'%b,"history":[%b],"marks":[%b],"runs":[%b]}' % (
            head,
            b",".join(samples),
            b",".join(marks),
            b",".join(runs),
        )
        return Event("hello", body).encode()

    def _kept(self) -> _Kept:
        """Runs in a thread."""
        return self._history.samples(), self._history.marks(), self._history.runs()

    def close(self) -> None:
        """End the thread."""
        self._disk.close()


async def _leave(viewer: Viewer, receive: Receive) -> None:
    """Wait until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    viewer.leave()


async def _send(send: Send, text: bytes) -> None:
    await send({"type": "http.response.body", "body": text, "more_body": True})


async def _refuse(send: Send, status: int, detail: str, *headers: tuple[bytes, bytes]) -> None:
    response = problem(status, HTTPStatus(status).phrase, detail)
    encoded = [(name.lower().encode(), value.encode()) for name, value in response.headers]
    await send({"type": "http.response.start", "status": status, "headers": [*encoded, *headers]})
    await send({"type": "http.response.body", "body": response.get_data()})


def _nothing() -> None:
    """For a server that can't end a connection at once."""
