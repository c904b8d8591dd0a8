"""Names a trace and one of its spans, as W3C Trace Context has it (https://www.w3.org/TR/trace-context/)."""

import re
from dataclasses import dataclass
from random import Random
from typing import Final

_TRACE_BITS: Final = 128
_SPAN_BITS: Final = 64
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span that is recorded, as those that follow it name it."""

    #: 32 hexadecimal digits, and 16 of them; neither is all zeros.
    trace_id: str
    span_id: str

    @classmethod
    def new(cls, random: Random) -> "TraceContext":
        """A new trace with its first span."""
        return cls(
            f"{random.getrandbits(_TRACE_BITS) or 1:032x}", f"{random.getrandbits(_SPAN_BITS) or 1:016x}"
        )

    @classmethod
    def parse(cls, traceparent: str) -> "TraceContext | None":
        """The sampled span that a `traceparent` names; None for any other text."""
        found = _TRACEPARENT.fullmatch(traceparent)
        return cls(found[1], found[2]) if found else None

    @property
    def traceparent(self) -> str:
        """The header's value: sampled, so that whoever takes the request records it, too."""
        return f"00-{self.trace_id}-{self.span_id}-01"
