"""One server process: threads that wait for clients together. The one that receives a request's last byte
answers it.

At most `threads` requests are in the application at once. One more thread goes on receiving meanwhile, so that
unfinished requests, however many, and a busy application keep nobody from being heard: what can't be answered
at once waits its turn, and after `WAIT_SECONDS` is told that nothing was done.
"""

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from service.http.connection import IDLE_SECONDS, Connection
from service.http.gateway import Gateway
from service.http.poller import new_poller
from service.http.requests import Refusal, Request
from service.http.seats import Seats

#: s for which a complete request may wait for a thread.
WAIT_SECONDS: Final = 5.0
#: Clients that are connected to one process at most; the others wait in the kernel's queue.
MAX_CONNECTIONS: Final = 1_000
#: s after which a connection without a request makes room, where room is needed.
_ROOM_SECONDS: Final = 1.0
_TICK_SECONDS: Final = 0.5
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
        max_body: int,
        urgent: Callable[[Request], bool],
    ) -> None:
        """`urgent`: whether a request is answered although all threads are busy; such must never take long."""
        self._listener, self._listener_fd = listener, listener.fileno()
        self._gateway = gateway
        self._max_body = max_body
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
        while not select.select([self._stop_reader, parent], [], [], _TICK_SECONDS)[0]:
            self._gateway.tick()
            self._look_at_the_time(time.monotonic())
        self._listener.close()
        self.stop()
        by = time.monotonic() + _END_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, by - time.monotonic()))

    def stop(self) -> None:
        """Finish what is being answered, and end. A signal's handler may call this."""
        os.write(self._stop_writer, b"x")

    def _run(self) -> None:
        while (fd := self._poller.next(_TICK_SECONDS)) != self._stop_reader:
            try:
                if fd == self._listener_fd:
                    self._accept()
                elif fd >= 0:
                    self._proceed(self._connections[fd])
            except Exception:
                # A thread that ended would be missed by every client to come.
                _log.exception("a connection failed")

    def _accept(self) -> None:
        try:
            connected, (client, *_) = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            pass
        except OSError as error:
            _log.warning("no connection can be taken: %s", error)
            self._full = True
        else:
            connection = Connection(connected, client, self._max_body)
            self._connections[connection.fd] = connection
            self._poller.arm(connection.fd, new=True)
            self._full = len(self._connections) >= MAX_CONNECTIONS
        if not self._full:
            self._poller.arm(self._listener_fd)

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
            room = IDLE_SECONDS - _ROOM_SECONDS if self._full and connection.idle else 0.0
            if now > connection.deadline - room:
                connection.expire()
        while (overdue := self._seats.give_up(WAIT_SECONDS)) is not None:
            self._refuse(overdue)
        if self._full and len(self._connections) < MAX_CONNECTIONS:
            self._full = False
            self._poller.arm(self._listener_fd)

    def _refuse(self, connection: Connection) -> None:
        try:
            connection.answer(self._gateway.refuse(_BUSY), last=True)
            self._poller.arm(connection.fd, write=connection.sending)
        except OSError:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        del self._connections[connection.fd]
        connection.close()
