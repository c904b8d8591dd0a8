"""Values that the Tab key offers for arguments; without them, shells would offer files."""

from collections.abc import Iterable
from contextlib import suppress


def demos(incomplete: str) -> list[str]:
    from scenarios import catalogue

    return _beginning([*catalogue.DEMOS, "all"], incomplete)


def loads(incomplete: str) -> list[str]:
    from scenarios import catalogue

    return _beginning(catalogue.LOADS["labctl"], incomplete)


def runs(incomplete: str) -> list[str]:
    """Recorded runs; completion must not fail where they can't be read."""
    from labctl.runs.store import LAST, open_runs
    from stack.errors import LabError

    with suppress(LabError):
        return _beginning([LAST, *open_runs().journals()], incomplete)
    return []


def traces(incomplete: str) -> list[str]:
    """What `trace` takes beside ids."""
    return _beginning(["last"], incomplete)


def exportable(incomplete: str) -> list[str]:
    """Recorded runs, and demos."""
    from scenarios.catalogue import DEMOS

    return [*_beginning(DEMOS, incomplete), *runs(incomplete)]


def services(incomplete: str) -> list[str]:
    from stack.spec.services import CORE, OBSERVABILITY

    return _beginning((*CORE, *OBSERVABILITY), incomplete)


def live_settings(incomplete: str) -> list[str]:
    """Settings that `config set` takes."""
    from service.writebehind.settings import Settings

    return _beginning((f"{name.upper()}=" for name in Settings().live()), incomplete)


def lab_settings(incomplete: str) -> list[str]:
    """Settings that `--set` takes."""
    from stack.spec.validate import settable

    return _beginning((f"{name}=" for name in settable()), incomplete)


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return sorted(word for word in words if word.startswith(incomplete))
