"""The dead letter queue: look, drop, put back."""

from typing import Any, Final

import msgspec

from service.writebehind import keys
from service.writebehind.entry import to_document
from service.writebehind.scripts import Scripts, plain_commands
from service.writebehind.store import Store

_CHUNK: Final = 100


class DeadLetters:
    """Raises `CacheUnavailable`; `requeue` also `StoreUnavailable`."""

    def __init__(self, scripts: Scripts, store: Store) -> None:
        self._scripts = scripts
        self._store = store

    def size(self) -> int:
        with plain_commands():
            return int(self._scripts.client.llen(keys.DLQ))

    def oldest(self, limit: int) -> list[Any]:
        """The letters as JSON values, oldest first; text where one is no JSON."""
        with plain_commands():
            letters: Any = self._scripts.client.lrange(keys.DLQ, 0, limit - 1)
        return [_decode(letter) for letter in letters]

    def drop(self) -> int:
        """Drop all of them; return how many."""
        with plain_commands():
            pipe = self._scripts.client.pipeline(transaction=True)
            pipe.llen(keys.DLQ)
            pipe.delete(keys.DLQ)
            return int(pipe.execute()[0])

    def requeue(self) -> tuple[int, int, bool]:
        """Put every letter back that is still its product's newest write.

        Returns:
            How many are pending again, how many were dropped because something newer is known, and
            whether a flush must be signalled.
        """
        requeued = superseded = 0
        signal = False
        for _ in range(-(-self.size() // _CHUNK)):
            with plain_commands():
                letters: Any = self._scripts.client.lrange(keys.DLQ, 0, _CHUNK - 1)
            persisted = self._store.versions([ref[0] for ref in map(_reference, letters) if ref])
            for letter in letters:
                state, signalled = self._requeue(letter, persisted)
                requeued += state == 1
                superseded += state == 0
                signal = signal or bool(signalled)
        return requeued, superseded, signal

    def _requeue(self, letter: bytes, persisted: dict[str, int]) -> tuple[int, int]:
        reference = _reference(letter)
        if reference is None:
            # Nothing of ours: to the end of the queue with it, where a person will find it.
            with plain_commands():
                self._scripts.client.lmove(keys.DLQ, keys.DLQ, "LEFT", "RIGHT")
            return -1, 0
        product_id, version, entry = reference
        document = b"" if persisted.get(product_id, 0) >= version else to_document(entry)
        state, signal = self._scripts.run(
            "requeue",
            (
                keys.DLQ, keys.PENDING, keys.QUEUE, keys.INFLIGHT, keys.SIGNAL, keys.TOTALS,
                keys.cache(product_id), keys.CLOCK,
            ),
            (letter, product_id, version, document),
        )  # fmt: skip
        return int(state), int(signal)


def _decode(letter: bytes) -> Any:
    try:
        return msgspec.json.decode(letter)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return letter.decode(errors="replace")


def _reference(letter: bytes) -> tuple[str, int, bytes] | None:
    """Id, version and entry of a letter; None if it holds no entry that could be put back."""
    content = _decode(letter)
    match content:
        case {"id": str(product_id), "version": int(version), "entry": {"version": int(_)} as entry}:
            return product_id, version, msgspec.json.encode(entry)
        case _:
            return None
