"""A bug in labctl: a short message for the user, the traceback in a file."""

import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from stack.errors import LabError
from stack.settings import StackSettings


def write_crash_report(error: BaseException) -> Path | None:
    """Write the traceback to the state directory, or else to the temporary one.

    Returns:
        The file; None if neither can be written.
    """
    name = f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.txt"
    text = "".join(traceback.format_exception(error))
    for find in (_state_directory, _temporary_directory):
        try:
            directory = find()
            directory.mkdir(parents=True, exist_ok=True)
            path = directory / name
            path.write_text(text, encoding="utf-8")
        except (OSError, LabError):
            continue
        return path
    return None


def _state_directory() -> Path:

    return StackSettings.from_env().home


def _temporary_directory() -> Path:
    return Path(tempfile.gettempdir())
