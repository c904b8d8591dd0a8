"""One operation of the HTTP API, described: its parameters, its body, its answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from service.answers import Document


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that is not a problem document."""

    description: str
    #: The type of the body.
    body: Any
    media: str = "application/json"
    #: Header name → description.
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter beside the body."""

    name: str
    place: Literal["path", "query", "header"]
    type: Any
    description: str = ""
    default: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    method: Literal["get", "post", "put", "patch", "delete"]
    path: str
    name: str
    summary: str
    #: By status.
    answers: Mapping[int, Answer]
    #: The statuses that are problem documents.
    problems: tuple[int, ...] = ()
    #: Media types of problems that come in another form.
    own_problems: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    #: The type of the request's body, and an example of it.
    body: Any = None
    example: Document = field(default_factory=dict)
