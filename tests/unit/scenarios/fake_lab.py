"""A lab that is only told of: what the parts that all scenarios share see of one."""

from collections.abc import Generator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from scenarios.events import Event
from scenarios.findings import Findings
from scenarios.lab import Lab
from scenarios.ledger import Ledger, Write
from stack.errors import NotRunning


@dataclass
class FakeProbe:
    """Finds what it was given; without findings, its databases are away."""

    found: Findings | None
    quiet: bool = True

    def settle(self, seconds: float) -> Generator[Event, None, bool]:
        yield from ()
        return self.quiet

    def findings(self, ledger: Ledger) -> Findings:
        if self.found is None:
            raise NotRunning("PostgreSQL can't be read: connection refused", hint="`labctl up` repairs it")
        return self.found


@dataclass
class FakeClient:
    settings: dict[str, Any] = field(default_factory=dict)

    def config(self) -> dict[str, Any]:
        return self.settings


def fake_lab(
    *writes: Write, found: Findings | None = None, quiet: bool = True, settings: dict[str, Any] | None = None
) -> Lab:
    ledger = Ledger()
    for write in writes:
        ledger.record(write)
    parts = SimpleNamespace(
        stack=SimpleNamespace(name="second"),
        ledger=ledger,
        probe=FakeProbe(found, quiet),
        client=FakeClient(settings or {}),
    )
    return cast(Lab, parts)
