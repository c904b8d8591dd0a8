"""The interface of renderers: each event is passed to `on`; `close` ends the display."""

from typing import Protocol

from scenarios.events import Event


class Renderer(Protocol):
    """Turns events into a terminal, plain lines or JSON."""

    def on(self, event: Event) -> None:
        """Show one event."""
        ...

    def close(self) -> None:
        """End any live display and write what is still held back. Safe to call twice."""
        ...
