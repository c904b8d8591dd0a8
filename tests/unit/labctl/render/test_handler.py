"""The one place where events are told apart."""

from dataclasses import fields
from typing import Any, get_args

from labctl.render.handler import EventHandler
from scenarios.events import Event

_METHODS = EventHandler.__abstractmethods__


def test_every_event_has_a_method_of_its_own() -> None:
    called: list[str] = []

    def noting(name: str) -> Any:
        return lambda self, event: called.append(name)

    handler = type("Noting", (EventHandler,), {name: noting(name) for name in _METHODS})()
    for kind in get_args(Event):
        handler.on(kind(**dict.fromkeys(field.name for field in fields(kind))))
    assert sorted(called) == sorted(_METHODS)
