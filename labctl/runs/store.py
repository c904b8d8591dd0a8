"""The records of earlier runs, kept beside the lab's state until the lab is taken down."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from labctl.render.json_text import encode
from stack.errors import StateUnusable, UsageError
from stack.spec.hints import labctl

_DIRECTORY: Final = "runs"
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_FILE: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[a-z0-9-]+\.json")
#: The oldest records are removed first: daily demos must not fill a disk.
_KEPT: Final = 100


class Runs:
    """The runs of one lab, newest last."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / _DIRECTORY

    def save(self, document: Mapping[str, Any]) -> Path:
        """Write a record and forget the oldest beyond the hundredth.

        Raises:
            StateUnusable: it can't be written.
        """
        now = datetime.now(UTC)
        path = self._directory / f"{now:{_STAMP}}-{document['scenario']}.json"
        text = encode({**document, "recorded_at": now.isoformat()})
        partial = path.with_suffix(".partial")
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(text)
            partial.replace(path)
            for old in self.paths()[:-_KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise StateUnusable(
                f"the run's record can't be written: {error}",
                hint="free some space, or name another state directory with LABCTL_HOME",
            ) from error
        return path

    def paths(self) -> list[Path]:
        """The records' files, oldest first."""
        if not self._directory.is_dir():
            return []
        return sorted(path for path in self._directory.iterdir() if _FILE.fullmatch(path.name))

    def find(self, word: str) -> Path:
        """The newest record of that scenario, or the one of that file name.

        Raises:
            UsageError: there is none.
        """
        for path in reversed(self.paths()):
            if word in (path.name, path.stem) or scenario_of(path) == word:
                return path
        hint = f"list them with {labctl('report --list')}"
        raise UsageError(f"no recorded run matches {word!r}", hint=hint)


def scenario_of(path: Path) -> str:
    """The name of the scenario, from the record's file name."""
    return path.stem.split("-", 1)[1]


def read_run(path: Path) -> dict[str, Any]:
    """The document in a record's file.

    Raises:
        StateUnusable: the file can't be read, or does not hold a record.
    """
    try:
        document = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = "delete the file, or run the demo again"
        raise StateUnusable(f"{path} can't be read: {error}", hint=hint) from error
    if not isinstance(document, dict):
        raise StateUnusable(f"{path} does not hold a record", hint="delete the file")
    return document
