"""labctl as a user runs it: the installed command, on a terminal or in a pipe."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pexpect
import pyte

LABCTL: Final = Path(sys.executable).with_name("labctl")
#: s; far more than anything takes, so a hang is reported as one.
PATIENCE: Final = 40.0
#: No engine listens here, so `auto` means the same on every machine.
_NO_ENGINE: Final = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without what would change the output, and without a Docker engine."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")}
    own = {"LABCTL_HOME": str(home), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    return {**kept, **own, **_NO_ENGINE, **more}


def pipe(home: Path, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run labctl without a terminal."""
    return subprocess.run(
        [LABCTL, *words],
        env=environment(home, **(env or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class Terminal:
    """labctl on a pseudo-terminal, and what the user sees on it."""

    def __init__(self, home: Path, *words: str, columns: int = 80, lines: int = 24, **env: str) -> None:
        self.raw = ""
        self.screen = pyte.HistoryScreen(columns, lines, history=2000, ratio=0.5)
        self._stream = pyte.Stream(self.screen)
        self._child = pexpect.spawn(
            str(LABCTL),
            list(words),
            env=environment(home, **env),
            dimensions=(lines, columns),
            encoding="utf-8",
            # The echo of a key may come between the bytes of a character.
            codec_errors="replace",
            timeout=PATIENCE,
        )

    def wait_for(self, text: str) -> None:
        """Read until the text has been written."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.raw:
            assert time.monotonic() < deadline, f"{text!r} never came; the screen:\n{self.text()}"
            assert self._read(), f"labctl ended without {text!r}; the screen:\n{self.text()}"

    def end(self) -> int:
        """Read to the end and return the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, f"labctl does not end; the screen:\n{self.text()}"
        self._child.close()
        status: int | None = self._child.exitstatus
        assert status is not None, f"ended by signal {self._child.signalstatus}"
        return status

    def press(self, keys: str) -> None:
        self._child.send(keys)

    def resize(self, columns: int, lines: int) -> None:
        self._child.setwinsize(lines, columns)
        self.screen.resize(lines, columns)

    def kill(self, number: signal.Signals) -> None:
        self._child.kill(number)

    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def transcript(self) -> str:
        """Everything that has scrolled off the screen, and what is on it."""
        above = [
            "".join(line[x].data for x in range(self.screen.columns)) for line in self.screen.history.top
        ]
        return "\n".join(line.rstrip() for line in [*above, *self.screen.display])

    def cursor_is_shown(self) -> bool:
        return not self.screen.cursor.hidden

    def _read(self) -> bool:
        try:
            text = self._child.read_nonblocking(4096, timeout=0.5)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += text
        self._stream.feed(text)
        return True
