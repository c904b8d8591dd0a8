"""What can go wrong on the write path. The service turns each into a problem document with this status:

WriteBehindError
├── InvalidProduct      422  the product can never be stored
├── InvalidQuery        422  a parameter of the query is not valid
├── InvalidSettings     422  a setting is unknown, malformed or out of range
├── NoSuchProduct       404  it is not cached, not pending and not in PostgreSQL
├── RowsRefused         422  PostgreSQL answered with an error; nothing was written
├── QueueFull           503  MAX_PENDING is reached; the write was not taken
├── CacheUnavailable    503  Redis is down or full; the write was not taken
├── StoreUnavailable    503  PostgreSQL is down; nothing was changed
└── OutcomeUnknown      504  it is unknown whether the write was taken
"""

from typing import Final


class WriteBehindError(Exception):
    """Base of the write path's errors."""


class InvalidProduct(WriteBehindError):
    """The product can never be stored; `problems` gives the reason for each field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {why}" for field, why in problems.items()))
        self.problems = problems


class InvalidQuery(WriteBehindError):
    """A parameter of the query is not valid; `problems` gives the reason for each."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in problems.items()))
        self.problems = problems


class InvalidSettings(WriteBehindError):
    """A setting is unknown, malformed or out of range; `problems` gives the reason for each."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in problems.items()))
        self.problems = problems


class NoSuchProduct(WriteBehindError):
    """The product is neither cached, nor pending, nor in PostgreSQL."""

    def __init__(self, product_id: str, source: str = "") -> None:
        """`source` is where a read found that out: cache, pending or database."""
        super().__init__(product_id)
        self.source = source


class QueueFull(WriteBehindError):
    """MAX_PENDING is reached and OVERFLOW_POLICY is `reject`. The write was not taken."""


class CacheUnavailable(WriteBehindError):
    """Redis is down or out of memory. The write was not taken."""


class StoreUnavailable(WriteBehindError):
    """PostgreSQL can't be reached, or can't work at the moment. Nothing was changed."""


class OutcomeUnknown(WriteBehindError):
    """The connection broke after the write was sent. It is unknown whether the write was taken."""


class RowsRefused(WriteBehindError):
    """PostgreSQL answered with an error, so no row of the batch was written. The error alone does not tell
    whether a row is at fault or PostgreSQL itself."""

    def __init__(self, message: str, sqlstate: str = "22000") -> None:
        """
        Args:
            message: The first line of what PostgreSQL said.
            sqlstate: Its error code, five characters; 22000 (data exception) for rows that were never sent.
        """
        super().__init__(message)
        self.sqlstate = sqlstate

    @property
    def in_logs(self) -> str:
        """The message, unless it may repeat a value of the row: then the error code alone."""
        return f"SQLSTATE {self.sqlstate}" if self.blames_the_row else f"{self} (SQLSTATE {self.sqlstate})"

    @property
    def passes_by_itself(self) -> bool:
        """Whether the same write may succeed later: transaction rolled back (40), object in use (55),
        operator intervention (57)."""
        return self.sqlstate[:2] in _TRANSIENT

    @property
    def blames_no_row(self) -> bool:
        """Whether PostgreSQL itself is certainly at fault: connection (08), read only (25), resources
        (53), system (58), internal (XX)."""
        return self.sqlstate[:2] in _RESOURCES

    @property
    def blames_the_row(self) -> bool:
        """Whether the value is the likely reason: cardinality (21), data (22), constraints (23), the check
        of a view (44), limits (54), a trigger (P0), row level security (42501)."""
        return self.sqlstate[:2] in _VALUES or self.sqlstate == "42501"


_TRANSIENT: Final = frozenset({"40", "55", "57"})
_RESOURCES: Final = frozenset({"08", "25", "53", "58", "XX"})
_VALUES: Final = frozenset({"21", "22", "23", "44", "54", "P0"})
