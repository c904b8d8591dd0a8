"""From what should be and what is to what must be done. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from stack.spec.runtime import Observed
from stack.spec.service import ServiceSpec

Verb = Literal["keep", "start", "replace", "resume"]


@dataclass(frozen=True, slots=True)
class Action:
    """What becomes of one service."""

    verb: Verb
    service: str
    #: For people; '' where nothing needs saying.
    why: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.service}" + (f": {self.why}" if self.why else "")


def plan(specs: Mapping[str, ServiceSpec], observed: Mapping[str, Observed]) -> tuple[Action, ...]:
    """One action for each service of `specs`, dependencies first."""
    return tuple(_action(specs[name], observed.get(name)) for name in in_order(specs))


def in_order(specs: Mapping[str, ServiceSpec]) -> tuple[str, ...]:
    """The services, each after those that it depends on, otherwise in the order given."""
    ordered: list[str] = []
    waiting = list(specs)
    while waiting:
        ready = [name for name in waiting if not set(specs[name].depends_on) & set(waiting)]
        if not ready:
            raise ValueError(f"these services depend on one another: {', '.join(waiting)}")
        ordered += ready
        waiting = [name for name in waiting if name not in ready]
    return tuple(ordered)


def _action(spec: ServiceSpec, seen: Observed | None) -> Action:
    if seen is None or seen.state in ("missing", "removed"):
        return Action("start", spec.name)
    if seen.state == "stopped":
        return Action("start", spec.name, "it was stopped")
    if seen.state == "died":
        return Action("replace", spec.name, seen.detail or "it has died")
    if seen.spec_hash != spec.hash():
        return Action("replace", spec.name, "what it is started from has changed")
    if seen.state == "paused":
        return Action("resume", spec.name, "it was paused")
    return Action("keep", spec.name)
