"""Handles interruptions: the first signal unwinds the command so that its clean-up runs."""

import signal
import sys
from types import FrameType
from typing import Final

#: What a closed terminal, a service manager or a person at the keyboard sends.
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """labctl was asked to end."""


class Interruptions:
    """Turns the first signal into `Interrupted`, holds back the next one, and gives up at the third.

    People press Ctrl-C again when the first did not seem to help; the clean-up must survive that.
    """

    def __init__(self) -> None:
        self._count = 0

    def install(self) -> None:
        """Handle signals from now on. Those that the parent chose to ignore (nohup) stay ignored."""
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._count += 1
        if self._count == 2:
            _say("still cleaning up; once more ends labctl at once")
            return
        raise Interrupted(signal.Signals(number).name)


def _say(text: str) -> None:
    # A terminal that is gone (SIGHUP) can't be written to, and must not stop the clean-up.
    try:
        sys.stderr.write(f"\nlabctl: {text}\n")
        sys.stderr.flush()
    except OSError:
        pass
