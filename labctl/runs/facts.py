"""What a run was made on, as fields for people and programs."""

from typing import Any, Final

import msgspec

from scenarios.journal.lines import Environment

#: What the journal needs for itself.
_BOOKKEEPING: Final = frozenset({"type", "v", "n", "sum", "at", "pid", "process_started"})


def facts(environment: Environment) -> dict[str, Any]:
    """The fields of a run's environment, without those that only the journal needs."""
    document: dict[str, Any] = msgspec.to_builtins(environment)
    return {name: value for name, value in document.items() if name not in _BOOKKEEPING}
