"""What a script would do, without doing it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from scenarios.scripted.expectations import NO_LOSS
from scenarios.scripted.outline import Address, command_of, limits_in_words, numbered_steps, title_of
from scenarios.scripted.script import ALL, Expect, Fates, Percentiles, Script
from stack.spec.names import DEFAULT_NAME

#: The lab that the commands are shown for: the default one, at its usual address.
_LAB = Address(DEFAULT_NAME, "http://127.0.0.1:8000")


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step, as an audience will see it."""

    title: str
    command: str


@dataclass(frozen=True, slots=True)
class ScriptPlan:
    """All steps, and all predictions in words: what, and how much."""

    name: str
    title: str
    summary: str
    steps: tuple[PlannedStep, ...]
    expected: tuple[tuple[str, str], ...]

    def document(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {
            **asdict(self),
            "expected": [{"what": what, "predicted": predicted} for what, predicted in self.expected],
        }


def plan_of(script: Script) -> ScriptPlan:
    """The plan of a script."""
    verdict = PlannedStep("The verdict", "")
    return ScriptPlan(
        script.name,
        script.title,
        script.summary or "",
        (
            *(PlannedStep(title_of(step), command_of(step, _LAB)) for step in numbered_steps(script)),
            verdict,
            *(PlannedStep(title_of(item), command_of(item, _LAB)) for item in script.cleanup),
        ),
        tuple(_expected(script)),
    )


def _expected(script: Script) -> Iterator[tuple[str, str]]:
    for step in numbered_steps(script):
        for total, limits in (step.check or {}).items():
            yield f"{total.replace('_', ' ')}, checked on the way", limits_in_words(limits)
    yield from _in_the_end(script.expect)


def _in_the_end(expect: Expect) -> Iterator[tuple[str, str]]:
    yield "the verdict on the measurement", expect.validity
    for group, fates in (expect.fates or NO_LOSS).items():
        yield from _limits("all writes" if group == ALL else group, fates)
    for name, limits in (("writes refused", expect.refused), ("writes without an answer", expect.unknown)):
        if limits is not None:
            yield name, limits_in_words(limits)
    for total, wanted in expect.totals.items():
        yield total.replace("_", " "), limits_in_words(wanted)
    for group, percentiles in expect.acknowledgement.items():
        yield from _limits(f"{group}: acknowledged after", percentiles)
    for group, percentiles in expect.persist_lag.items():
        yield from _limits(f"{group}: in PostgreSQL after", percentiles)


def _limits(what: str, part: Fates | Percentiles) -> Iterator[tuple[str, str]]:
    unit = "ms" if isinstance(part, Percentiles) else ""
    for name in part.__struct_fields__:
        limits = getattr(part, name)
        if limits is not None:
            told = name.removesuffix("_ms").replace("_", "-")
            yield f"{what}, {told}" if unit else f"{what}: {told}", limits_in_words(limits, unit)
