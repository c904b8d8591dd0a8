"""The dead letter queue: look, drop, put back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from redis.exceptions import ResponseError

from service.writebehind import keys
from service.writebehind.entry import (
    check_id,
    checked_trace,
    checked_writes,
    finish,
    parse_product,
    product_head,
    timestamp,
    tombstone_head,
)
from service.writebehind.errors import InvalidProduct
from service.writebehind.scripts.runner import Scripts, map_redis_errors
from service.writebehind.scripts.writing import Requeued, requeue
from service.writebehind.store import Store

_CHUNK: Final = 100


@dataclass(frozen=True, slots=True)
class _Write:
    """What a letter holds that could be put back."""

    id: str
    version: int
    document: bytes
    #: How many acknowledged writes it stands for.
    writes: int
    #: '' if it was not traced.
    traceparent: str


class DeadLetters:
    """The letters in Redis. Anything else among them, or in their place, is shown, dropped and passed over.

    Every method raises `CacheUnavailable`; `requeue` also raises `StoreUnavailable`.
    """

    def __init__(self, scripts: Scripts, store: Store) -> None:
        self._scripts = scripts
        self._store = store

    def size(self) -> int:
        """How many there are."""
        with map_redis_errors():
            try:
                return int(self._scripts.client.llen(keys.DLQ))
            except ResponseError:
                # The key holds something else, so there are no letters.
                return 0

    def oldest(self, limit: int) -> list[Any]:
        """The letters as JSON values, oldest first; text if one is not JSON."""
        return [_decode(letter) for letter in self._letters(limit)]

    def drop(self) -> int:
        """Drop all of them; return how many there were."""
        with map_redis_errors():
            pipe = self._scripts.client.pipeline(transaction=True)
            pipe.llen(keys.DLQ)
            pipe.delete(keys.DLQ)
            dropped, _ = pipe.execute(raise_on_error=False)
        return dropped if isinstance(dropped, int) else 0

    def requeue(self) -> tuple[int, int, bool]:
        """Put every letter back that is still its product's newest write.

        Returns:
            How many are pending again, how many were dropped because something newer is known, and
            whether a flush must be signalled.
        """
        requeued = superseded = 0
        signal = False
        for _ in range(-(-self.size() // _CHUNK)):
            letters = [(letter, _write_in(letter)) for letter in self._letters(_CHUNK)]
            persisted = self._store.versions([write.id for _, write in letters if write])
            for letter, write in letters:
                outcome, signalled = self._requeue(letter, write, persisted)
                requeued += outcome is Requeued.PENDING
                superseded += outcome is Requeued.SUPERSEDED
                signal = signal or signalled
        return requeued, superseded, signal

    def _letters(self, limit: int) -> list[bytes]:
        with map_redis_errors():
            try:
                letters: Any = self._scripts.client.lrange(keys.DLQ, 0, limit - 1)
            except ResponseError:
                return []
        return list(letters)

    def _requeue(
        self, letter: bytes, write: _Write | None, persisted: dict[str, int]
    ) -> tuple[Requeued, bool]:
        """A letter that holds no write goes to the end of the queue, where a person will find it."""
        if write is None:
            return requeue(self._scripts, letter, product_id="", version=0, document=b"", writes=0)
        known = persisted.get(write.id, 0) >= write.version
        return requeue(
            self._scripts,
            letter,
            product_id=write.id,
            version=write.version,
            document=b"" if known else write.document,
            writes=write.writes,
            traceparent=write.traceparent,
        )


def _decode(letter: bytes) -> Any:
    try:
        return msgspec.json.decode(letter)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return letter.decode(errors="replace")


def _write_in(letter: bytes) -> _Write | None:
    """The write that a letter holds; None if it holds none that this service could have taken."""
    match _decode(letter):
        case {"id": str(product_id), "version": int(version), "entry": {} as entry} if (
            entry.get("id") == product_id and entry.get("version") == version
        ):
            try:
                return _Write(
                    product_id,
                    version,
                    _document(check_id(product_id), version, entry),
                    checked_writes(entry.get("writes")),
                    checked_trace(entry.get("traceparent")),
                )
            except (InvalidProduct, ValueError):
                return None
        case _:
            return None


def _document(product_id: str, version: int, entry: dict[str, Any]) -> bytes:
    """The entry as the write script made its document. Raises ValueError or InvalidProduct."""
    if isinstance(version, bool) or not 0 < version < keys.LATEST_US:
        raise ValueError(f"{version} is not a version")
    if entry.get("deleted") is True:
        head = tombstone_head(product_id)
    else:
        head = product_head(product_id, parse_product(msgspec.json.encode(entry)))
    created_at, updated_at = _moment(entry.get("created_at")), _moment(entry.get("updated_at"))
    return finish(head, created_at=created_at, updated_at=updated_at, version=version)


def _moment(text: object) -> str:
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not a moment")  # noqa: TRY004 - handled like the other defects
    return timestamp(datetime.fromisoformat(text))
