"""One server process: threads that wait for clients together. The one that receives a request's last byte
answers it.

At most `threads` requests are in the application at once. One more thread goes on receiving meanwhile, so
that unfinished requests, however many, and a busy application keep no other client from being heard. What
can't be answered at once waits its turn; what has waited for too long is told that nothing was done.
"""

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from service.http.connection import Connection
from service.http.gateway import Gateway
from service.http.limits import Limits
from service.http.poller import new_poller
from service.http.requests import Refusal, Request
from service.http.seats import Seats

#: s in which requests that are being answered when the process is told to stop may end.
_END_SECONDS: Final = 1.5
_BUSY: Final = Refusal(503, "all threads of the service are busy; nothing was done")

_log = logging.getLogger(__name__)


class Threads:
    """Serves the clients of one listening socket until it is told to stop."""

    def __init__(
        self,
        listener: socket.socket,
        gateway: Gateway,
        *,
        threads: int,
        limits: Limits,
        urgent: Callable[[Request], bool],
    ) -> None:
        """`urgent`: whether a request, which must never take long, is answered although all are busy."""
        self._listener, self._listener_fd = listener, listener.fileno()
        self._gateway = gateway
        self._limits = limits
        self._urgent = urgent
        self._poller = new_poller()
        self._connections: dict[int, Connection] = {}
        self._seats = Seats(threads)
        self._stop_reader, self._stop_writer = os.pipe()
        self._full = False
        self._threads = [
            threading.Thread(target=self._run, name=f"http-{number}", daemon=True)
            for number in range(threads + 1)
        ]

    def serve(self, parent: int) -> None:
        """Return after `stop`, or once the pipe `parent` was closed at its other end."""
        self._listener.setblocking(False)
        self._poller.always(self._stop_reader)
        self._poller.arm(self._listener_fd, new=True)
        for thread in self._threads:
            thread.start()
        while not select.select([self._stop_reader, parent], [], [], self._limits.tick_s)[0]:
            self._gateway.tick()
            self._look_at_the_time(time.monotonic())
        self._listener.close()
        self.stop()
        by = time.monotonic() + _END_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, by - time.monotonic()))
        for connection in list(self._connections.values()):
            self._close(connection)

    def stop(self) -> None:
        """Finish what is being answered, and end. A signal's handler may call this."""
        os.write(self._stop_writer, b"x")

    def _run(self) -> None:
        while (fd := self._poller.next(self._limits.tick_s)) != self._stop_reader:
            try:
                if fd == self._listener_fd:
                    self._accept()
                elif fd >= 0:
                    self._proceed(self._connections[fd])
            except Exception:  # noqa: BLE001 - a thread that ended would be missed by all clients to come
                _log.exception("a connection failed")
                if broken := self._connections.get(fd):
                    self._close(broken)

    def _accept(self) -> None:
        try:
            connected, (client, *_) = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            # Another process was quicker, or the client has gone again.
            pass
        except OSError as error:
            _log.warning("no connection can be taken: %s", error)
            self._full = True
        else:
            self._welcome(connected, str(client))
            self._full = len(self._connections) >= self._limits.max_connections
        if not self._full:
            self._poller.arm(self._listener_fd)

    def _welcome(self, connected: socket.socket, client: str) -> None:
        try:
            connection = Connection(connected, client, self._limits)
        except OSError:
            connected.close()
            return
        self._connections[connection.fd] = connection
        self._poller.arm(connection.fd, new=True)

    def _proceed(self, connection: Connection) -> None:
        try:
            connection.proceed()
        except OSError:
            self._close(connection)
            return
        successor = self._answer(connection, seated=False)
        while successor is not None:
            successor = self._answer(successor, seated=True)

    def _answer(self, connection: Connection, *, seated: bool) -> Connection | None:
        """Answer all that can be answered now, and wait for more. Returns who has the seat now."""
        try:
            while (found := connection.next()) is not None:
                if isinstance(found, Refusal):
                    connection.answer(self._gateway.refuse(found), last=True)
                    continue
                if not seated and not self._urgent(found):
                    seated = self._seats.take(connection)
                    if not seated:
                        return None
                answer = self._gateway.answer(found, connection.client)
                connection.answer(answer, last=not found.keep_alive)
            self._poller.arm(connection.fd, write=connection.sending)
        except OSError:
            self._close(connection)
        return self._seats.leave() if seated else None

    def _look_at_the_time(self, now: float) -> None:
        for connection in list(self._connections.values()):
            room = self._limits.idle_s - self._limits.room_s if self._full and connection.idle else 0.0
            if now > connection.deadline - room:
                connection.expire()
        while (overdue := self._seats.give_up(self._limits.wait_s)) is not None:
            self._refuse(overdue)
        if self._full and len(self._connections) < self._limits.max_connections:
            self._full = False
            self._poller.arm(self._listener_fd)

    def _refuse(self, connection: Connection) -> None:
        try:
            connection.answer(self._gateway.refuse(_BUSY), last=True)
            self._poller.arm(connection.fd, write=connection.sending)
        except OSError:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        # Its number is handed out again as soon as it is closed.
        self._connections.pop(connection.fd, None)
        connection.close()
