"""A copy of the live settings in the state directory, for when Redis loses its memory."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.writebehind import keys
from service.writebehind.errors import InvalidSettings
from service.writebehind.settings import Settings
from stack.redis_wire import ask
from stack.spec.service import HealthCheck
from stack.state.files import damaged, map_os_errors, read_json, write_json

FILE: Final = "live.json"
#: Seconds for an answer of Redis; short, because this must not hold up the command that does it.
_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class _Seen:
    """The live settings at one moment."""

    #: When Redis' memory began, in µs; None where no script has recorded it yet.
    epoch: int | None
    settings: Mapping[str, str]


class KeptSettings:
    """The live settings of one lab as labctl saw them last."""

    def __init__(self, directory: Path, redis: HealthCheck) -> None:
        self._path = directory / FILE
        self._redis = redis

    def look(self, borrowed: Mapping[str, str | None]) -> dict[str, str]:
        """Keep the settings that Redis holds. If it lost its memory since the last look, bring back what was
        kept, and return that. If Redis does not answer, nothing happens.

        Args:
            borrowed: Settings that a run has changed temporarily, with their values before; None for one that
                was not set.

        Raises:
            StateUnusable: the state directory can't be read or written.
        """
        try:
            now = self._held(borrowed)
        except (OSError, ValueError):
            return {}
        kept = self._load()
        lost = kept is not None and (kept.epoch is None or kept.epoch != now.epoch)
        back = (
            {name: value for name, value in kept.settings.items() if name not in now.settings}
            if lost and kept
            else {}
        )
        if back and not self._bring_back(back):
            return {}
        seen = _Seen(now.epoch, {**now.settings, **back})
        if seen != kept and (kept is not None or seen.settings):
            self._save(seen)
        return back

    def drop(self, given: Iterable[str]) -> None:
        """Forget live settings that are now set elsewhere: a live setting of that name would override it."""
        names = list(given)
        if names:
            with suppress(OSError, ValueError):
                ask(self._redis, ("HDEL", keys.CONFIG, *names))
        if names and (kept := self._load()):
            left = {name: value for name, value in kept.settings.items() if name not in names}
            self._save(_Seen(kept.epoch, left))

    def _held(self, borrowed: Mapping[str, str | None]) -> _Seen:
        clock, flat = ask(self._redis, ("GET", keys.CLOCK), ("HGETALL", keys.CONFIG), seconds=_SECONDS)
        moment = keys.parse_clock(clock if isinstance(clock, bytes) else None)
        # Something that is not a hash holds no settings.
        words = [word.decode(errors="replace") for word in flat] if isinstance(flat, list) else []
        held = {**dict(zip(words[::2], words[1::2], strict=True)), **borrowed}
        return _Seen(moment.epoch if moment else None, _valid(held))

    def _bring_back(self, settings: Mapping[str, str]) -> bool:
        """Set them in Redis; whether it accepted. One that was set meanwhile keeps its value."""
        commands = [("HSETNX", keys.CONFIG, name, value) for name, value in settings.items()]
        try:
            return all(isinstance(answer, int) for answer in ask(self._redis, *commands, seconds=_SECONDS))
        except (OSError, ValueError):
            return False

    def _load(self) -> _Seen | None:
        content = read_json(self._path)
        if content is None:
            return None
        try:
            epoch, settings = content["epoch"], dict(content["settings"])
            return _Seen(None if epoch is None else int(epoch), _valid(settings))
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(self._path) from error

    def _save(self, seen: _Seen) -> None:
        with map_os_errors(self._path):
            # A lab that compose started has no directory yet.
            self._path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._path, {"epoch": seen.epoch, "settings": dict(seen.settings)})


def _valid(settings: Mapping[str, object]) -> dict[str, str]:
    """The settings that this version knows, with values that it can read."""
    valid: dict[str, str] = {}
    for name, value in settings.items():
        with suppress(InvalidSettings):
            if isinstance(value, str):
                Settings().changed({name: value})
                valid[name] = value
    return valid
