"""Fakes are cast to what they stand in for, so the type checker cannot see them drift. This test can."""

import inspect
from collections.abc import Callable, Iterator

import pytest

from scenarios.lab.context import Run
from scenarios.lab.probe import Probe
from stack.lab import Lab
from tests.unit.scenarios import fake_run, test_runner
from tests.unit.scenarios.load import fake_run as load


@pytest.mark.parametrize(
    ("fake", "real"),
    [
        (fake_run.FakeProbe, Probe),
        (fake_run.FakeRun, Run),
        (load.FakeProbe, Probe),
        (load.FakeLab, Lab),
        (load.FakeRun, Run),
        (test_runner.FakeLab, Lab),
        (test_runner.FakeRun, Run),
    ],
    ids=lambda kind: f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}",
)
def test_a_fake_has_the_methods_of_the_real_one(fake: type, real: type) -> None:
    assert list(drift(fake, real)) == []


def test_drift_is_noticed() -> None:
    class Real:
        def settle(self, seconds: float) -> None: ...
        def rows(self, ids: list[str], *, quick: bool = False) -> None: ...
        def begin(self) -> None: ...

    class Fake:
        def settle(self) -> None: ...
        def rows(self, ids: list[str], quick: bool) -> None: ...
        def begin(self) -> None: ...
        def gone(self) -> None: ...

    assert list(drift(Fake, Real)) == [
        "settle() stands in for settle(seconds)",
        "rows(ids, quick) stands in for rows(ids, *, quick)",
        "gone() stands in for nothing",
    ]


def drift(fake: type, real: type) -> Iterator[str]:
    """Public methods of a fake that the real class lacks, or that take other arguments there."""
    for name, method in vars(fake).items():
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        own, counterpart = _call(method), getattr(real, name, None)
        if not inspect.isfunction(counterpart):
            yield f"{own} stands in for nothing"
        elif own != _call(counterpart):
            yield f"{own} stands in for {_call(counterpart)}"


def _call(method: Callable[..., object]) -> str:
    """A method's name and arguments, without types and defaults."""
    bare = [
        argument.replace(annotation=inspect.Parameter.empty, default=inspect.Parameter.empty)
        for argument in list(inspect.signature(method).parameters.values())[1:]
    ]
    return f"{method.__name__}{inspect.Signature(bare)}"
