"""The part of the screen that changes in place: below the transcript, gone when it is over."""

from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.text import Text

from labctl.render.load_panel import LoadPanel
from labctl.render.text.marks import ASCII, Marks
from scenarios.events import LoadSampled
from stack.spec.events import Advanced, ServiceChanged

#: Frames per second: enough to look alive, too few to flicker.
_REFRESH: Final = 6
_BAR: Final = 24


class LiveRegion:
    """Shows starting services, progress and the load panel. None of it stays in the transcript."""

    def __init__(self, console: Console, marks: Marks) -> None:
        self._console = console
        self._marks = marks
        self._live: Live | None = None
        self._services: dict[str, Spinner] = {}
        self._progress: Text | None = None
        self._load: LoadPanel | None = None

    def service_moves(self, event: ServiceChanged) -> None:
        """Show a service that is on its way to another state."""
        text = Text(f"{event.service:<11}{event.state:<11}{event.detail}", style="cyan")
        spinner = self._services.get(event.service)
        if spinner is None:
            name = "line" if self._marks is ASCII else "dots"
            self._services[event.service] = Spinner(name, text=text)
        else:
            spinner.update(text=text)
        self._refresh()

    def service_settled(self, service: str) -> None:
        """Remove a service's line: the transcript has it now."""
        self._services.pop(service, None)
        self._refresh()

    def advance(self, event: Advanced) -> None:
        """Show a bar, until it is full."""
        share = event.done / event.total if event.total > 0 else 1.0
        full = round(min(1.0, share) * _BAR)
        bar = self._marks.bar * full + self._marks.track * (_BAR - full)
        self._progress = (
            None
            if event.done >= event.total
            else Text.assemble("   ", (bar, "cyan"), f"  {event.label}: {event.done:,} of {event.total:,}")
        )
        self._refresh()

    def sample(self, event: LoadSampled) -> None:
        """Show the state of the load."""
        if self._load is None:
            self._load = LoadPanel(self._marks)
        self._load.update(event)
        self._refresh()

    def close(self) -> None:
        """Take everything away and show the cursor again, also where an interruption kept an earlier `clear`
        from it."""
        self.clear()
        self._console.show_cursor()

    def clear(self) -> None:
        """Take everything away and show the cursor again."""
        self._services.clear()
        self._progress = self._load = None
        self._refresh()

    def _refresh(self) -> None:
        parts: list[RenderableType] = [_indented(spinner) for spinner in self._services.values()]
        if self._progress is not None:
            parts.append(self._progress)
        if self._load is not None:
            parts.append(self._load)
        if not parts:
            if self._live is not None:
                self._live.stop()
            self._live = None
        elif self._live is None:
            self._live = Live(
                Group(*parts),
                console=self._console,
                transient=True,
                refresh_per_second=_REFRESH,
                vertical_overflow="crop",
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start(refresh=True)
        else:
            self._live.update(Group(*parts))


def _indented(spinner: Spinner) -> RenderableType:
    return Padding(spinner, (0, 0, 0, 3))
