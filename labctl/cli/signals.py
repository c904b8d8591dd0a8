"""Handles interruptions: the first signal unwinds the command so that its clean-up runs.

A measurement that can end early does so at the first Ctrl-C, and is judged; then the next one unwinds.
"""

import signal
import sys
from types import FrameType
from typing import Final

from scenarios.early_end import EarlyEnd

#: What a closed terminal, a service manager or a person at the keyboard sends.
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """labctl was asked to end."""


class Interruptions:
    """Turns the first signal into `Interrupted`, holds back the next one, and gives up at the third.

    People press Ctrl-C again when the first did not seem to help; the clean-up must survive that. A Ctrl-C
    that only asks for an early end does not count.
    """

    def __init__(self, early_end: EarlyEnd | None = None) -> None:
        """
        Args:
            early_end: What a Ctrl-C asks for an early end; None: nothing can end early.
        """
        self._count = 0
        self._early_end = early_end or EarlyEnd()

    def install(self) -> None:
        """Handle signals from now on. Those that the parent chose to ignore (nohup) stay ignored."""
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # A service manager or a closed terminal does not wait for a verdict.
        if number == signal.SIGINT and not self._count and self._early_end.request():
            if not self._early_end.shown:
                _say("nothing is sent any more, and the verdict comes soon; once more ends labctl at once")
            # A terminal is told in its display.
            elif not sys.stdout.isatty():
                _say("ending early, with a verdict; once more ends labctl at once")
            return
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
