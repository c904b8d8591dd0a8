"""What a script would do, without doing it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from scenarios.scripted.outline import Address, command_of, limits_in_words, numbered_steps, title_of
from scenarios.scripted.predictions import claim_of_total, predictions
from scenarios.scripted.script import Script
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
            yield f"{claim_of_total(total)}, checked on the way", limits_in_words(limits)
    yield "the verdict on the measurement", script.expect.validity
    for one in predictions(script.expect):
        yield one.claim, limits_in_words(one.limits, one.unit)
