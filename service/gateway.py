"""Flask behind an event loop (ASGI): the loop receives whole requests, then threads answer them.

A WSGI server passes a request on as soon as its head has arrived, so every unfinished body would block one of
the threads. Here the loop waits for the bodies, and a thread only sees complete requests.
"""

import asyncio
import io
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from service.browsers import BrowserGuard, Forbidden, Misdirected
from service.live.acks import Acks
from service.problems import problem
from service.telemetry.facts import Facts, facts_of

#: A WSGI application (PEP 3333), and the arguments of an ASGI call (asgi.readthedocs.io, HTTP 2.4).
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
#: Takes note of an answered request: its method, what is known of it, the status, and how long it took in s.
Observe = Callable[[str, Facts, int, float], None]
#: An ASGI application.
Stream = Callable[[Scope, Receive, Send], Awaitable[None]]

#: A whole body must arrive within this time after the request's head.
BODY_TIMEOUT_S: Final = 5.0
#: How long a complete request may wait for a thread.
QUEUE_TIMEOUT_S: Final = 5.0
#: Paths with threads of their own: they must be answered even if all other threads wait for Redis.
_URGENT: Final = frozenset({"/health", "/metrics", "/openapi.json"})
_URGENT_THREADS: Final = 2
#: Paths whose requests may take long. They share one thread, so that they can't hold up a write, and only a
#: few may wait for it.
_PATIENT: Final = re.compile("/v1/traces|/traces(/.*)?|/products/[^/]*/life")
_PATIENT_WAITING: Final = 8
_LONGEST_TARGET: Final = 8_192
_OF_BODIES: Final = (b"content-type", b"content-length")
_WRITES: Final = frozenset({"POST", "PUT", "DELETE"})


class Answer(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Special(NamedTuple):
    """What is different about the requests to one path."""

    #: In bytes.
    max_body: int
    #: Makes a refusal's media type and body from the request's Content-Type and what is wrong.
    refuse: Callable[[str, str], tuple[str, bytes]]


class Refusal(Exception):
    """The request is refused before the application sees it. The answer closes the connection, since the rest
    of the request may still be on its way."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    def answer(self) -> Answer:
        response = problem(self.status, HTTPStatus(self.status).phrase, self.detail)
        headers = [*response.headers, ("Connection", "close")]
        return Answer(self.status, _encoded(headers), response.get_data())

    def answer_to(self, scope: Scope, special: Special | None) -> Answer:
        """The answer in the words of the request's path."""
        answer = self.answer()
        if special is None:
            return answer
        sent = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
        media, body = special.refuse(sent, self.detail)
        replaced = {"Content-Type": media, "Content-Length": str(len(body))}
        kept = [(name, value) for name, value in answer.headers if name not in _OF_BODIES]
        return Answer(self.status, [*kept, *_encoded(replaced.items())], body)


class ClientGone(Exception):
    """The client disconnected in the middle of its request."""


class Gateway:
    """Serves one WSGI application over ASGI."""

    def __init__(
        self,
        application: Application,
        *,
        threads: int,
        max_body: int,
        body_timeout_s: float = BODY_TIMEOUT_S,
        queue_timeout_s: float = QUEUE_TIMEOUT_S,
        observe: Observe | None = None,
        special: Mapping[str, Special] | None = None,
        guard: BrowserGuard | None = None,
        streams: Mapping[str, Stream] | None = None,
        acks: Acks | None = None,
    ) -> None:
        """
        Args:
            threads: How many requests are answered at the same time.
            max_body: In bytes; a longer body is refused unread.
            special: Paths with a limit and refusals of their own.
            observe: Called for each request that is answered, in any thread.
            guard: Decides which requests are answered at all.
            streams: By path: what is answered in the loop itself, without an end.
            acks: Where acknowledged writes are noted while somebody looks.
        """
        self._observe = observe
        self._guard = guard or BrowserGuard()
        self._streams = streams or {}
        self._acks = acks or Acks("")
        self._body_timeout_s = body_timeout_s
        self._queue_timeout_s = queue_timeout_s
        self._application = application
        self._max_body = max_body
        self._special = special or {}
        self._patient = ThreadPoolExecutor(1, "http-patient")
        self._patient_waiting = 0
        self._threads = ThreadPoolExecutor(threads, "http")
        self._urgent = ThreadPoolExecutor(_URGENT_THREADS, "http-urgent")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        try:
            self._check(scope)
            if (stream := self._streams.get(scope["path"])) is not None:
                await stream(scope, receive, send)
                return
            if _PATIENT.fullmatch(scope["path"]):
                answer = await self._answer_in_turn(scope, receive)
            else:
                pool = self._urgent if scope["path"] in _URGENT else self._threads
                body = await self._receive(scope, receive)
                began = time.monotonic()
                answer = await self._answer_in(pool, scope, body, began)
        except Refusal as refusal:
            answer = refusal.answer_to(scope, self._special.get(scope["path"]))
            if self._observe:
                facts = Facts(refusal="busy") if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE else Facts()
                self._observe(scope["method"], facts, refusal.status, time.monotonic() - began)
        except ClientGone:
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})
        if self._acks.wanted and answer.status < 300 and scope["method"] in _WRITES:
            # Anything but a product is passed over there.
            self._acks.note(began, answer.body)

    def _check(self, scope: Scope) -> None:
        """Raises Refusal if the request comes from a page that may not make it."""
        try:
            self._guard.check(scope["method"], scope["headers"])
        except Misdirected as error:
            raise Refusal(421, str(error)) from error
        except Forbidden as error:
            raise Refusal(403, str(error)) from error

    async def _answer_in_turn(self, scope: Scope, receive: Receive) -> Answer:
        """The answer to a request that may take long. Their bodies are large, so those that wait are few."""
        if self._patient_waiting >= _PATIENT_WAITING:
            raise Refusal(503, "too many requests about traces wait already")
        self._patient_waiting += 1
        try:
            body = await self._receive(scope, receive)
            return await self._answer_in(self._patient, scope, body, time.monotonic())
        finally:
            self._patient_waiting -= 1

    async def _answer_in(
        self, pool: ThreadPoolExecutor, scope: Scope, body: bytes, queued_at: float
    ) -> Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, self._answer, scope, body, queued_at)

    async def _receive(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body of the request.

        Raises:
            Refusal: the body is too long, or took too long.
            ClientGone: the client disconnected.
        """
        if len(scope["raw_path"]) + len(scope["query_string"]) > _LONGEST_TARGET:
            raise Refusal(414, f"a request's target has at most {_LONGEST_TARGET} bytes")
        length = next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
        special = self._special.get(scope["path"])
        limit = special.max_body if special else self._max_body
        if length > limit:
            raise _too_long(limit)
        try:
            async with asyncio.timeout(self._body_timeout_s):
                return await _receive_parts(receive, limit)
        except TimeoutError:
            raise Refusal(408, f"the body did not arrive within {self._body_timeout_s:g} s") from None

    def _answer(self, scope: Scope, body: bytes, queued_at: float) -> Answer:
        """The application's answer. Runs in a thread."""
        if time.monotonic() - queued_at > self._queue_timeout_s:
            raise Refusal(503, "all threads of the service are busy; nothing was done")
        started, environ = _Started(), _environ(scope, body)
        facts = facts_of(environ)
        parts = self._application(environ, started)
        try:
            return Answer(started.status, _encoded(started.headers), b"".join(parts))
        finally:
            if close := getattr(parts, "close", None):
                close()
            if self._observe:
                self._observe(scope["method"], facts, started.status, time.monotonic() - queued_at)


async def _receive_parts(receive: Receive, limit: int) -> bytes:
    received = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        received += message.get("body", b"")
        if len(received) > limit:
            raise _too_long(limit)
        if not message.get("more_body"):
            return bytes(received)


def _too_long(limit: int) -> Refusal:
    return Refusal(413, f"a body has at most {limit} bytes")


class _Started:
    """WSGI's `start_response`: the status and headers of an answer."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[str, str]] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        self.status, self.headers = int(status[:3]), headers


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _environ(scope: Scope, body: bytes) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        # WSGI wants bytes decoded as Latin-1.
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0] if scope["client"] else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.input": io.BytesIO(body),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        # The body is complete, however it was sent.
        "CONTENT_LENGTH": str(len(body)),
    }
    for raw, value in scope["headers"]:
        # An underscore would become a dash: such a header could pass for another one.
        if b"_" not in raw and raw not in (b"content-length", b"transfer-encoding"):
            key = raw.decode("latin-1").upper().replace("-", "_")
            name = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
            text = value.decode("latin-1")
            environ[name] = f"{environ[name]},{text}" if name in environ else text
    return environ
