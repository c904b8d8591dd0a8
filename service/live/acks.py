"""The newest acknowledgements of all server processes, in a file that they share in memory.

While nobody looks, a write costs one look into that memory. While somebody does, each process notes its
acknowledged writes in a ring of its own, and the sampler of any process reads all of them.
"""

import fcntl
import mmap
import os
import re
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = "acks.ring"
#: As many rings as there may be server processes (API_PROCESSES); the file is sparse.
_RINGS: Final = 64
#: Acknowledgements that a ring holds: half a second at 4,000 writes/s.
_LENGTH: Final = 2_048
_LONGEST_WANT_S: Final = 60.0
#: A process that has viewers says so with each sample. One that has not for so long was killed.
_SILENT_S: Final = 10.0

# One moment for all: until when somebody looks (monotonic time, in s).
_UNTIL: Final = struct.Struct("<d56x")
# In front of each ring: how many were noted in all, how many viewers the process has, and when it said so
# (monotonic time, in s).
_RING: Final = struct.Struct("<QQd40x")
_VIEWERS: Final = struct.Struct("<Qd")
# When (monotonic time, in s), how long it took (ms), version, id.
_ACK: Final = struct.Struct("<ddq40s")
#: The first two of them alone.
_TIMES: Final = struct.Struct("<dd48x")
#: As many writes of each process are read.
WRITES: Final = 20
_RING_BYTES: Final = _RING.size + _LENGTH * _ACK.size
_SIZE: Final = _UNTIL.size + _RINGS * _RING_BYTES

_ID: Final = re.compile(rb'\{"id":"([A-Za-z0-9._-]{1,36})"')
_VERSION: Final = re.compile(rb',"version":(\d{1,16}),"source":"\w+"\}$')


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledged write."""

    #: Monotonic time, in s.
    at: float
    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Newest:
    """What was acknowledged since one has looked last."""

    #: When (monotonic time, in s), and how long it took from the whole request to the answer, in ms.
    times: list[tuple[float, float]]
    #: The last ones of each process, oldest first.
    writes: list[Ack]


class Acks:
    """Notes acknowledgements, and reads those of all processes.

    Only the thread of the event loop may use it. `open` comes first; until then nothing is noted.
    """

    def __init__(self, directory: str) -> None:
        """
        Args:
            directory: Where the file is; '': this process only sees its own acknowledgements.
        """
        self._directory = directory
        self._memory: mmap.mmap | None = None
        self._file: int | None = None
        #: The moment until which somebody looks, as a view of one number.
        self._until: memoryview[float] | None = None
        self._base = 0
        self._noted = 0
        #: How far this process has read each ring.
        self._read: dict[int, int] = {}

    def open(self) -> None:
        """Share the memory with the other processes. Raises OSError."""
        if not self._directory:
            self._use(mmap.mmap(-1, _SIZE), 0)
            return
        Path(self._directory).mkdir(parents=True, exist_ok=True)
        file = os.open(Path(self._directory) / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(file, _SIZE)
            ring = _free_ring(file)
            # A process that wrote into a hole of a mapped file while the disk is full would be killed.
            os.posix_fallocate(file, 0, _UNTIL.size)
            os.posix_fallocate(file, _UNTIL.size + ring * _RING_BYTES, _RING_BYTES)
            self._use(mmap.mmap(file, _SIZE), ring)
        except OSError:
            os.close(file)
            raise
        # The lock on the ring goes with this descriptor, however the process ends.
        self._file = file

    def _use(self, memory: mmap.mmap, ring: int) -> None:
        self._memory = memory
        until = memoryview(memory)[:8].cast("d")
        # This clock begins anew when the machine starts.
        if until[0] > time.monotonic() + _LONGEST_WANT_S:
            until[0] = 0.0
        self._until = until
        self._base = _UNTIL.size + ring * _RING_BYTES
        self._noted = _RING.unpack_from(memory, self._base)[0]
        self.viewers(0)

    @property
    def wanted(self) -> bool:
        """Whether somebody looks."""
        until = self._until
        return until is not None and until[0] > time.monotonic()

    def want(self, seconds: float) -> None:
        """Somebody looks for so long from now."""
        if self._until is not None:
            self._until[0] = time.monotonic() + seconds

    def note(self, begun: float, body: bytes) -> None:
        """A write was acknowledged.

        Args:
            begun: Monotonic time of the request, in s.
            body: The answer: a product or a tombstone.
        """
        memory, found, version = self._memory, _ID.match(body), _VERSION.search(body)
        if memory is None or found is None or version is None:
            return
        now = time.monotonic()
        at = self._base + _RING.size + (self._noted % _LENGTH) * _ACK.size
        _ACK.pack_into(memory, at, now, 1000 * (now - begun), int(version[1]), found[1])
        self._noted += 1
        # Last, so that a reader finds the acknowledgement complete.
        struct.pack_into("<Q", memory, self._base, self._noted)

    def viewers(self, count: int) -> None:
        """So many look at this process's stream."""
        if self._memory is not None:
            _VIEWERS.pack_into(self._memory, self._base + 8, count, time.monotonic())

    def all_viewers(self) -> int:
        """How many look at the streams of all processes that are alive."""
        now = time.monotonic()
        return sum(viewers for _, viewers, said_at in self._heads() if 0 <= now - said_at < _SILENT_S)

    def newest(self) -> Newest:
        """What was noted since the last call, in all processes."""
        newest = Newest([], [])
        for ring, (noted, *_) in enumerate(self._heads()):
            first = max(self._read.get(ring, noted), noted - _LENGTH)
            self._read[ring] = noted
            if first < noted:
                self._collect(ring, first, noted, newest)
        newest.writes.sort(key=lambda ack: ack.at)
        return newest

    def _collect(self, ring: int, first: int, noted: int, newest: Newest) -> None:
        """Add these of a ring: the times of all, and the writes of the last few. There may be thousands."""
        assert self._memory is not None
        base = _UNTIL.size + ring * _RING_BYTES + _RING.size
        held = list(_TIMES.iter_unpack(self._memory[base : base + _LENGTH * _ACK.size]))
        newest.times.extend(held[number % _LENGTH] for number in range(first, noted))
        for number in range(max(first, noted - WRITES), noted):
            at, _, version, name = _ACK.unpack_from(self._memory, base + (number % _LENGTH) * _ACK.size)
            newest.writes.append(Ack(at, name.rstrip(b"\0").decode("ascii", "replace"), version))

    def close(self) -> None:
        """Let go of the memory."""
        self.viewers(0)
        if self._until is not None:
            self._until.release()
            self._until = None
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _heads(self) -> Iterator[tuple[int, int, float]]:
        if self._memory is None:
            return
        for ring in range(_RINGS):
            yield _RING.unpack_from(self._memory, _UNTIL.size + ring * _RING_BYTES)


def _free_ring(file: int) -> int:
    """A ring that no living process uses, now locked. Raises OSError if there is none."""
    for ring in range(_RINGS):
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, ring)
        except BlockingIOError:
            continue
        return ring
    raise BlockingIOError(f"all {_RINGS} rings of {FILE} are in use")
