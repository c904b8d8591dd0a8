"""What a client sends, made into requests. The grammar is llhttp's; the limits are ours."""

from collections import deque
from dataclasses import dataclass, field

import httptools

from service.http.limits import Limits


class Refusal(Exception):
    """Why no request can be made of what came. The connection ends with this answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(slots=True)
class Request:
    """A request; complete once it is in `Requests.complete`."""

    method: str = ""
    target: bytes = b""
    http_version: str = "1.1"
    #: Names as they came, in their order.
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    #: Whether the connection may serve another request after this one.
    keep_alive: bool = True


class Requests:
    """The requests of one connection, in their order."""

    __slots__ = (
        "_chunks",
        "_head",
        "_limits",
        "_now",
        "_parser",
        "_size",
        "complete",
        "expects",
        "refusal",
        "stage",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self._now = Request()
        self._chunks: list[bytes] = []
        self._head = self._size = 0
        #: What can be answered now.
        self.complete: deque[Request] = deque()
        #: Why nothing more can be understood; what is `complete` still counts.
        self.refusal: Refusal | None = None
        #: What comes next: a new request, the rest of a head, or the rest of a body.
        self.stage = "idle"
        #: The client waits for a word before it sends the body.
        self.expects = False

    def feed(self, data: bytes) -> None:
        """Take what came; `complete` and `refusal` are what became of it."""
        if self.stage != "body":
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Nothing is upgraded here: the request is answered as it is.
            self.complete[-1].keep_alive = False
        except httptools.HttpParserError as error:
            cause = error.__context__
            not_http = Refusal(400, f"this is not an HTTP request: {error}")
            self.refusal = cause if isinstance(cause, Refusal) else not_http
        if self.stage == "head" and self._head > self._limits.max_head:
            self.refusal = self.refusal or self._too_long_a_head()

    # What llhttp calls.

    def on_message_begin(self) -> None:
        self._now = Request()
        self._chunks = []
        self._size = 0
        self.stage = "head"

    def on_url(self, part: bytes) -> None:
        self._now.target += part
        if len(self._now.target) > self._limits.max_target:
            raise Refusal(414, f"a request's target has at most {self._limits.max_target} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        # Those that follow a chunked body are nobody's business.
        if self.stage == "head":
            self._now.headers.append((name, value))

    def on_headers_complete(self) -> None:
        request, parser = self._now, self._parser
        request.method = parser.get_method().decode()
        request.http_version = parser.get_http_version()
        request.keep_alive = parser.should_keep_alive()
        self._head = 0
        self.stage = "body"
        self._check_head(request)

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limits.max_body:
            raise self._too_long_a_body()
        self._chunks.append(part)

    def on_message_complete(self) -> None:
        self._now.body = b"".join(self._chunks)
        self.complete.append(self._now)
        self.stage = "idle"
        self.expects = False

    def _check_head(self, request: Request) -> None:
        if sum(len(name) + len(value) + 4 for name, value in request.headers) > self._limits.max_head:
            raise self._too_long_a_head()
        named = [(name.lower(), value) for name, value in request.headers]
        hosts = sum(name == b"host" for name, _ in named)
        if hosts > 1 or (hosts == 0 and request.http_version == "1.1"):
            raise Refusal(400, "a request names its host, once")
        if request.http_version not in ("1.0", "1.1"):
            raise Refusal(505, "this server speaks HTTP/1.1")
        only = dict(named)
        self._check_body(int(only.get(b"content-length", b"0")), chunked=b"transfer-encoding" in only)
        expectation = only.get(b"expect", b"").lower()
        if expectation not in (b"", b"100-continue"):
            raise Refusal(417, "the only expectation that can be met is 100-continue")
        self.expects = expectation != b"" and request.http_version == "1.1"

    def _check_body(self, length: int, *, chunked: bool) -> None:
        if length > self._limits.max_body:
            raise self._too_long_a_body()
        if self._parser.should_upgrade() and (length or chunked):
            raise Refusal(400, "this server upgrades no connection")

    def _too_long_a_body(self) -> Refusal:
        return Refusal(413, f"a body has at most {self._limits.max_body} bytes")

    def _too_long_a_head(self) -> Refusal:
        return Refusal(431, f"a request's line and headers have at most {self._limits.max_head} bytes")
