"""What can go wrong on the write path. The service turns each into a problem document."""


class WriteBehindError(Exception):
    """Base of the write path's errors."""


class InvalidProduct(WriteBehindError):
    """The product can never be stored; `problems` says why, a sentence a field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {why}" for field, why in problems.items()))
        self.problems = problems


class InvalidSettings(WriteBehindError):
    """A setting is unknown, malformed or out of its range."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in problems.items()))
        self.problems = problems


class NoSuchProduct(WriteBehindError):
    """The product is neither cached, nor pending, nor in PostgreSQL."""


class QueueFull(WriteBehindError):
    """MAX_PENDING is reached and OVERFLOW_POLICY is `reject`: the write was not taken."""


class CacheUnavailable(WriteBehindError):
    """Redis is down, or out of memory: the write was not taken."""


class StoreUnavailable(WriteBehindError):
    """PostgreSQL can't be reached or can't work just now: an outage, not a bad row."""


class OutcomeUnknown(WriteBehindError):
    """The connection broke after the write was sent: it may or may not have been taken."""


class RowsRefused(WriteBehindError):
    """PostgreSQL refuses at least one row of the batch, and will refuse it again."""
