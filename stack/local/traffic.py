"""Bytes over TCP connections, as the kernel counts them for each: sock_diag(7), which Linux alone has.

No system counts the network by process. A connection's count goes with it: what a short one carried between
two looks is missing.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import AF_INET, AF_INET6
from typing import Final

import psutil

#: The request for `struct tcp_info`, by its number: linux/inet_diag.h, INET_DIAG_INFO.
_INFO: Final = 1 << (2 - 1)
_SOCKET: Final = "socket:["


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes."""

    received: int = 0
    sent: int = 0

    def plus(self, other: "Traffic") -> "Traffic":
        return Traffic(self.received + other.received, self.sent + other.sent)

    def since(self, before: "Traffic") -> "Traffic":
        """What was added; all, where a socket's number now names another socket."""
        if self.received < before.received or self.sent < before.sent:
            return self
        return Traffic(self.received - before.received, self.sent - before.sent)


def connections() -> Mapping[int, Traffic] | None:
    """What every TCP connection of this machine has carried, by its socket's inode; None where no system
    tells."""
    if sys.platform != "linux":
        return None
    from pyroute2.netlink.diag import SS_CONN, DiagSocket
    from pyroute2.netlink.exceptions import NetlinkError

    found: dict[int, Traffic] = {}
    try:
        with DiagSocket() as kernel:  # type: ignore[no-untyped-call] # the library has no types
            kernel.bind()
            for family in (AF_INET, AF_INET6):
                for socket in kernel.get_sock_stats(family=family, states=SS_CONN, extensions=_INFO):
                    if (info := socket.get_attr("INET_DIAG_INFO")) is not None:
                        carried = Traffic(info["tcpi_bytes_received"], info["tcpi_bytes_acked"])
                        found[socket["idiag_inode"]] = carried
    except (OSError, NetlinkError):
        return None
    return found


class TrafficMeter:
    """Adds up what the connections of one service carried, those included that have ended since."""

    def __init__(self) -> None:
        self._seen: dict[int, Traffic] = {}
        self._total = Traffic()

    def read(self, processes: Sequence[psutil.Process], connected: Mapping[int, Traffic]) -> Traffic:
        """All since the oldest of the connections that were there at the first reading began."""
        own = {inode for process in processes for inode in _sockets(process.pid) if inode in connected}
        for inode in own:
            self._total = self._total.plus(connected[inode].since(self._seen.get(inode, Traffic())))
        self._seen = {inode: connected[inode] for inode in own}
        return self._total


def _sockets(pid: int) -> set[int]:
    """The sockets that a process holds, by inode."""
    found: set[int] = set()
    # It may end at any moment, or close what was listed.
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = str(entry.readlink())
                if target.startswith(_SOCKET):
                    found.add(int(target[len(_SOCKET) : -1]))
    return found
