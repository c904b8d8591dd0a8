"""uvicorn's HTTP protocol, except that a malformed or incomplete request gets a problem document."""

import logging
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.live.stream import STREAMS
from service.problems import problem

#: A malformed request is the client's problem, and there may be thousands.
_log: Final = logging.getLogger(__name__)
_log.setLevel(logging.ERROR)


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = _log

    def eof_received(self) -> None:
        """The client sends nothing more, but may still listen: tell it if its body was incomplete."""
        cycle: Any = self.cycle
        if cycle is not None and cycle.more_body and not cycle.response_started and not self.pipeline:
            self.send_400_response("the body was cut off")

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.scope.get("path") in STREAMS:
            # ASGI has no way to end a connection whose client does not read.
            scope: Any = self.scope
            scope["extensions"] = {"abort": self.transport.abort}

    def shutdown(self) -> None:
        """The server stops. A stream would not end by itself."""
        super().shutdown()
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete and cycle.scope["path"] in STREAMS:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        response = problem(HTTPStatus.BAD_REQUEST, HTTPStatus.BAD_REQUEST.phrase, msg)
        lines = ["HTTP/1.1 400 Bad Request", "connection: close"]
        lines += [f"{name.lower()}: {value}" for name, value in response.headers]
        self.transport.write("\r\n".join([*lines, "\r\n"]).encode("latin-1") + response.get_data())
        self.transport.close()
