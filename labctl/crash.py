"""A bug in labctl: a short message for the user, the traceback in a file."""

import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path


def write_crash_report(error: BaseException) -> Path | None:
    """Where the traceback was written: the state directory, else the temporary one; None if nowhere."""
    from stack.settings import StackSettings

    name = f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.txt"
    text = "".join(traceback.format_exception(error))
    for directory in (StackSettings.from_env().home, Path(tempfile.gettempdir())):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            path = directory / name
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return path
    return None
