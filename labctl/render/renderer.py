"""What every renderer is: something that is told of each event and, at the end, closed."""

from typing import Protocol

from scenarios.events import Event


class Renderer(Protocol):
    """Turns events into a terminal, plain lines or JSON."""

    def on(self, event: Event) -> None:
        """Show one event."""
        ...

    def close(self) -> None:
        """End any live display and write what is still owed. Safe to call twice."""
        ...
