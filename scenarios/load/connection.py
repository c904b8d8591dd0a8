"""One keep-alive connection, with at most one request under way. Only connecting may block."""

import socket
from dataclasses import dataclass

from scenarios.lab.trace_context import TraceContext
from scenarios.load.http import Malformed, Reply, parse
from scenarios.load.profiles import Call

#: On one machine, connecting takes no time or, if the listener's backlog is full, a second.
_CONNECT_TIMEOUT_S = 0.25
_RECEIVE_BYTES = 65_536


class ConnectionLost(Exception):
    """The connection can't be used any more."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request under way. Times are s since the load began."""

    call: Call
    #: When it should have been sent, and when it was.
    due: float
    sent: float
    #: The span that `call` names as its cause; None: it is not traced.
    trace: TraceContext | None = None


class Connection:
    """The connection of one client of the load. The socket may be replaced; the client stays the same."""

    def __init__(self, address: tuple[str, int], client: int) -> None:
        self.client = client
        #: The request under way; None: the connection is free.
        self.exchange: Exchange | None = None
        #: When it became free, s since the load began.
        self.free_since = 0.0
        self._address = address
        self._socket: socket.socket | None = None
        self._received = b""

    def fileno(self) -> int:
        """For a selector."""
        return -1 if self._socket is None else self._socket.fileno()

    def open(self) -> None:
        """Raises OSError."""
        opened = socket.create_connection(self._address, _CONNECT_TIMEOUT_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setblocking(False)
        self._socket, self._received = opened, b""

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def send(self, exchange: Exchange) -> None:
        """Raises ConnectionLost. The exchange still counts as under way: part of it may have been sent."""
        self.exchange = exchange
        if self._socket is None:
            raise ConnectionLost("not connected")
        try:
            sent = self._socket.send(exchange.call.payload)
        except OSError as error:
            raise ConnectionLost(str(error)) from error
        # A request is far smaller than the send buffer, which is empty when no request is under way.
        if sent < len(exchange.call.payload):
            raise ConnectionLost("the request was cut short")

    def receive(self) -> Reply | None:
        """The answer; None while part of it is missing. Raises ConnectionLost."""
        if self._socket is None:
            raise ConnectionLost("not connected")
        try:
            chunk = self._socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            raise ConnectionLost(str(error)) from error
        if not chunk:
            raise ConnectionLost("the server closed the connection")
        self._received += chunk
        try:
            reply = parse(self._received)
        except Malformed as error:
            raise ConnectionLost(str(error)) from error
        if reply is not None:
            self._received = b""
        return reply
