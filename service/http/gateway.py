"""Between HTTP and WSGI (PEP 3333): a request for the application, and its answer as bytes."""

import io
import logging
import sys
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import httptools
import msgspec

from service.http.requests import Refusal, Request

#: A WSGI application.
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_log = logging.getLogger(__name__)
_NAMES: Final[dict[bytes, str]] = {}
_BUG: Final = Refusal(500, "a bug in the service; its log has the details")


class Gateway:
    """Asks one application."""

    def __init__(self, application: Application, host: str, port: int) -> None:
        self._application = application
        self._environ: dict[str, Any] = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }
        self._date = b""
        self.tick()

    def tick(self) -> None:
        """Look at the time, for the answers' Date; about once a second."""
        self._date = b"\r\nDate: " + formatdate(usegmt=True).encode()

    def answer(self, request: Request, client: str) -> bytes:
        """The whole answer, whatever happens. After a bug the request's `keep_alive` is off."""
        started = _Started()
        try:
            parts = self._application(self._environ_of(request, client), started)
            body = b"".join(parts)
            if close := getattr(parts, "close", None):
                close()
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer
            _log.exception("%s %s failed", request.method, request.target)
            request.keep_alive = False
            return self.refuse(_BUG)
        head = [b"HTTP/1.1 ", started.status.encode("latin-1"), self._date]
        sized = False
        for name, value in started.headers:
            sized = sized or name == "Content-Length"
            head.append(f"\r\n{name}: {value}".encode("latin-1"))
        if not sized:
            head.append(b"\r\nContent-Length: %d" % len(body))
        if not request.keep_alive:
            head.append(b"\r\nConnection: close")
        elif request.http_version == "1.0":
            head.append(b"\r\nConnection: keep-alive")
        head.append(b"\r\n\r\n")
        if request.method != "HEAD":
            head.append(body)
        return b"".join(head)

    def refuse(self, refusal: Refusal) -> bytes:
        """The problem document of what is no request. No other answer follows it."""
        status = HTTPStatus(refusal.status)
        problem = {"type": "about:blank", "title": status.phrase, "status": status.value}
        body = msgspec.json.encode({**problem, "detail": refusal.detail})
        again = b"\r\nRetry-After: 1" if refusal.status == 503 else b""
        return (
            b"HTTP/1.1 %d %b%b%b\r\nContent-Type: application/problem+json\r\nContent-Length: %d"
            b"\r\nConnection: close\r\n\r\n%b"
            % (status, status.phrase.encode(), self._date, again, len(body), body)
        )

    def _environ_of(self, request: Request, client: str) -> dict[str, Any]:
        path, query = _split(request.target)
        environ = {
            **self._environ,
            "REQUEST_METHOD": request.method,
            "SERVER_PROTOCOL": "HTTP/" + request.http_version,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": client,
            "wsgi.input": io.BytesIO(request.body),
        }
        for raw, value in request.headers:
            name = _NAMES.get(raw) or _name(raw)
            text = value.decode("latin-1")
            environ[name] = f"{environ[name]},{text}" if name in environ else text
        # The body is whole, however it was sent.
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(request.body))
        return environ


class _Started:
    """What an application says about its answer before its body: the `start_response` of WSGI."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = "500 Internal Server Error"
        self.headers: list[tuple[str, str]] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        self.status, self.headers = status, headers


def _split(target: bytes) -> tuple[str, str]:
    """Path, decoded, and query, as WSGI wants them: bytes in the guise of Latin-1."""
    if not target.startswith(b"/"):
        target = _relative(target)
    path, _, query = target.partition(b"#")[0].partition(b"?")
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.decode("latin-1"), query.decode("latin-1")


def _relative(target: bytes) -> bytes:
    """What follows the host in a target that names one; of any other (`*`, a host's name) nothing."""
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        return b"/"
    return (url.path or b"/") + (b"?" + url.query if url.query else b"")


def _name(raw: bytes) -> str:
    """A header's name in the environment. An underscore in it could pass for a dash, so such a one gets a
    name that nothing reads."""
    name = raw.decode("latin-1").upper()
    if "_" in name:
        return f"IGNORED_{name}"
    name = name.replace("-", "_")
    name = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
    if len(_NAMES) < 256:
        _NAMES[raw] = name
    return name
