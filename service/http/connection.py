"""One client: what came from it, what goes to it, and by when each has to be done."""

import socket
import time
from typing import Final

from service.http.limits import Limits
from service.http.requests import Refusal, Request, Requests

_RECEIVE: Final = 65_536
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """A client's connection. One thread has it at a time."""

    __slots__ = (
        "_ending",
        "_limits",
        "_lingering",
        "_out",
        "_requests",
        "_socket",
        "client",
        "deadline",
        "fd",
    )

    def __init__(self, connected: socket.socket, client: str, limits: Limits) -> None:
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._requests = Requests(limits)
        self._limits = limits
        self._out = memoryview(b"")
        self._ending = self._lingering = False
        self.fd = connected.fileno()
        #: The client's address.
        self.client = client
        #: `time.monotonic()` by when something has to have happened.
        self.deadline = time.monotonic() + limits.head_s

    def proceed(self) -> None:
        """Receive what has come, or send what is left; the poller said that it is possible.

        Raises:
            ConnectionError: the connection is over.
        """
        if self._out:
            self._check_sending()
            self._send()
        elif self._lingering:
            self._throw_away()
        else:
            self._receive()

    def next(self) -> Request | Refusal | None:
        """What is to be answered now, in the order in which it came; None if there is nothing."""
        if self._out or self._ending:
            return None
        return self._requests.complete[0] if self._requests.complete else self._requests.refusal

    def answer(self, answer: bytes, *, last: bool) -> None:
        """Answer `next`. What the client does not take at once is kept.

        Args:
            last: whether this ends the connection.

        Raises:
            ConnectionError: the client is gone.
        """
        if self._requests.complete:
            self._requests.complete.popleft()
        self._ending = last
        self._out = memoryview(answer)
        self.deadline = time.monotonic() + self._limits.send_s
        self._send()

    @property
    def sending(self) -> bool:
        """Whether the client has yet to take something."""
        return len(self._out) > 0

    @property
    def idle(self) -> bool:
        """Whether the client has asked for nothing and waits for nothing."""
        return self._requests.stage == "idle" and not (self._requests.complete or self._out)

    def expire(self) -> None:
        """Make it ready, for a thread to see that its time is over. Any thread may call this."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR if self._out or self._lingering else socket.SHUT_RD)
        except OSError:
            # It ended by itself meanwhile.
            return

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> None:
        requests = self._requests
        try:
            data = self._socket.recv(_RECEIVE)
        except (BlockingIOError, InterruptedError):
            return
        before = requests.stage
        if data:
            requests.feed(data)
        elif before == "idle":
            raise ConnectionResetError("the client asks for nothing more")
        else:
            requests.refusal = self._late() or Refusal(400, "the request was cut off: its end is missing")
        now = time.monotonic()
        if requests.stage == "idle":
            self.deadline = now + self._limits.idle_s
        elif requests.stage != before or requests.complete:
            self.deadline = now + (self._limits.body_s if requests.stage == "body" else self._limits.head_s)
        else:
            requests.refusal = requests.refusal or self._late()
        if requests.expects and not requests.complete and not requests.refusal:
            requests.expects = False
            self._out = memoryview(_CONTINUE)
            self._send()

    def _late(self) -> Refusal | None:
        if time.monotonic() <= self.deadline:
            return None
        part, limit = (
            ("body", self._limits.body_s) if self._requests.stage == "body" else ("head", self._limits.head_s)
        )
        return Refusal(408, f"the request's {part} was not there within {limit:g} s")

    def _send(self) -> None:
        try:
            sent = self._socket.send(self._out)
        except (BlockingIOError, InterruptedError):
            return
        self._out = self._out[sent:]
        if self._out:
            self.deadline = time.monotonic() + self._limits.send_s
        elif self._ending:
            # Closing at once, with something unread, would make the kernel throw the answer away.
            self._lingering = True
            self.deadline = time.monotonic() + self._limits.linger_s
            self._socket.shutdown(socket.SHUT_WR)
        else:
            self.deadline = time.monotonic() + self._limits.idle_s

    def _check_sending(self) -> None:
        if time.monotonic() > self.deadline:
            raise ConnectionResetError("the client does not take its answer")

    def _throw_away(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE)
        except (BlockingIOError, InterruptedError):
            return
        if not data or time.monotonic() > self.deadline:
            raise ConnectionResetError("the client has had its answer")
