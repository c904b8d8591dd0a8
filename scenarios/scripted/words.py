"""The words and numbers that stand in a scenario file, with their limits."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta

from scenarios.faults.language import VERBS
from service.writebehind.limits import MAX_ID

#: A line of text: no control characters.
_LINE: Final = r"^[^\x00-\x1f\x7f-\x9f]+$"
#: Lines of text. Nothing in it may be a command to a terminal.
_TEXT: Final = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]+$"
_GROUP: Final = r"^[A-Za-z0-9_][A-Za-z0-9 _.-]*$"
#: Neither "." nor "..", which would be another address.
_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
#: What a scenario may be called.
NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9-]*$"
LONGEST_NAME: Final = 40
_SHARE: Final = "(=[0-9.]{1,12}%?)?"
_FAULTS: Final = "|".join(
    f"{target}:{verb}{_SHARE if verb == 'on' else ''}" for target, verbs in VERBS.items() for verb in verbs
)
_FAULT: Final = f"^({_FAULTS})$"
#: What would be right, by the pattern that a text does not match.
PATTERN_HINTS: Final[Mapping[str, str]] = {
    _LINE: "write it on one line, without control characters",
    _TEXT: "write it without tabs and control characters",
    _GROUP: "use letters, digits, spaces, dots, dashes and underscores",
    _ID: "an id has letters, digits, dots, dashes and underscores",
    NAME_PATTERN: "use small letters, digits and dashes",
    _FAULT: "write target:verb, such as redis:kill, worker:stop, redis:flushall or failures:on=30%",
}
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1000, pattern=_TEXT)]
Line: TypeAlias = Annotated[str, Meta(min_length=1, max_length=120, pattern=_LINE)]
Group: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern=_GROUP,
        description="A name for some writes, by which expectations and later steps refer to them.",
    ),
]
ProductId: TypeAlias = Annotated[
    str,
    Meta(
        max_length=MAX_ID,
        pattern=_ID,
        description="The id of a product that is there already, such as seed-001.",
    ),
]
ProductName: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=_LINE,
        description="The name of the product; where there are several, a number follows it.",
    ),
]
Price: TypeAlias = Annotated[float, Meta(ge=0, le=99_999_999.99)]
Quantity: TypeAlias = Annotated[int, Meta(ge=0, le=2_147_483_647)]
Clients: TypeAlias = Annotated[
    int, Meta(ge=1, le=64, description="How many clients send at the same time; each waits for its answers.")
]
Fault: TypeAlias = Annotated[
    str,
    Meta(pattern=_FAULT, description="What is broken or mended: redis:kill, failures:on=30%, …"),
]
Whole: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Ms: TypeAlias = Annotated[float, Meta(ge=0, le=3_600_000)]
Service: TypeAlias = Literal["api", "worker", "redis", "postgres"]
