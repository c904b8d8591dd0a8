"""What a command will do to a lab: a value that can be shown and carried out. `planner` makes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, Literal

#: `thaw` lets a paused service go on, without waiting for its health; `tune` changes options of a running
#: service; `clear` ends what a dead one left behind; `check` asks whether this machine has room for what
#: starts.
Verb = Literal[
    "pull",
    "build",
    "tag",
    "create",
    "stop",
    "thaw",
    "drain",
    "clear",
    "check",
    "keep",
    "tune",
    "start",
    "replace",
    "resume",
    "apply",
    "remove",
]
Kind = Literal["service", "image", "network", "volume", "schema", "machine", "lab"]

#: What leaves a lab as it is. A schema is only added to where something of it is missing.
_CHANGES_NOTHING: Final = ("keep", "apply")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing to do."""

    verb: Verb
    kind: Kind = "service"
    #: Short name of the service or volume, name of the image; '' where there is only one of its kind.
    name: str = ""
    #: Why, for people; '' where it goes without saying.
    cause: str = ""
    #: Keys of the nodes that have to be done before.
    after: tuple[str, ...] = ()
    #: Services that this one needs to become healthy, but that the plan does not start.
    waits_for: tuple[str, ...] = ()
    #: Services that this machine has to have room for, and their ports that have to be free.
    services: tuple[str, ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    #: Whether the plan goes on where this can't be done completely.
    best_effort: bool = False

    @property
    def subject(self) -> str:
        """What is acted on: `redis`, `image redis:8-alpine`, `network`."""
        return self.name if self.kind == "service" else f"{self.kind} {self.name}".rstrip()

    @property
    def key(self) -> str:
        """The node's name within its plan: `start redis`."""
        return f"{self.verb} {self.subject}"

    def __str__(self) -> str:
        return f"{self.key}: {self.cause}" if self.cause else self.key


@dataclass(frozen=True)
class Plan:
    """Nodes, each after those that it depends on.

    Raises:
        ValueError: some depend on one another.
    """

    nodes: tuple[Node, ...]

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> "Plan":
        """Put the nodes in an order that their edges allow, otherwise in the order given."""
        by_key = {node.key: node for node in nodes}
        graph = {key: [each for each in node.after if each in by_key] for key, node in by_key.items()}
        return cls(tuple(by_key[key] for key in ordered(graph)))

    @cached_property
    def changes(self) -> bool:
        """Whether carrying it out changes anything."""
        return any(node.verb not in _CHANGES_NOTHING for node in self.nodes)

    def lines(self) -> tuple[str, ...]:
        """The plan for people, one line for each node."""
        return (*(str(node) for node in self.nodes), *(() if self.changes else ("Nothing to do.",)))

    def document(self) -> dict[str, Any]:
        """The plan for programs."""
        nodes = [
            {"verb": node.verb, "subject": node.subject, "cause": node.cause, "after": list(node.after)}
            for node in self.nodes
        ]
        return {"changes": self.changes, "plan": nodes}


def ordered(graph: dict[str, list[str]]) -> tuple[str, ...]:
    """The keys of a graph, each after those that it names.

    Raises:
        ValueError: some depend on one another.
    """
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise ValueError(f"these depend on one another: {', '.join(error.args[1])}") from error
