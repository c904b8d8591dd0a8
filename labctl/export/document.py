"""What is exported, before it becomes a script or a notebook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import join
from typing import Final

from labctl.export.seen import Note
from scenarios.export.script import Script

_SET_UP: Final = """\
command -v labctl >/dev/null || {{ echo "labctl is not on the PATH" >&2; exit 1; }}
command -v curl >/dev/null || {{ echo "curl is not on the PATH" >&2; exit 1; }}
export LAB="${{LAB:-{lab}}}" no_proxy="127.0.0.1"
labctl --name "$LAB" --runtime "${{RUNTIME:-auto}}" up
{settings}API_URL="$(labctl --name "$LAB" urls --json | sed -n 's/.*"api": *"\\([^"]*\\)".*/\\1/p')"
STARTED="$(labctl --name "$LAB" exec postgres -- psql -XAtc 'SELECT now()')"
export API_URL STARTED
"""


@dataclass(frozen=True, slots=True)
class ExportedStep:
    """A step: the commands, and what was seen when labctl did the same."""

    #: From 1.
    number: int
    title: str
    commands: str
    notes: Sequence[Note] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A run or a demo, ready to be written in either form. All its text is one line each, and printable."""

    title: str
    summary: str
    #: Where it comes from and how it ended, a sentence each.
    origin: Sequence[str]
    #: The lab that it runs on unless the user names another.
    lab: str
    #: The live settings of the run that are not the default, as an environment spells them.
    settings: Mapping[str, str]
    #: How many steps the scenario has; a run that was cut off has fewer.
    total: int
    steps: Sequence[ExportedStep]
    #: The commands that put the lab in order after a step that failed; empty if there are none.
    cleanup: str
    #: How the run ended: a sentence or two; empty if there was none, or it was cut off.
    conclusion: str = ""
    #: Whether it leaves the lab in the middle of things, so that it has to be put in order in any case.
    is_partial: bool = False

    @property
    def set_up(self) -> str:
        """The commands before the first step."""
        words = join(f"{name}={value}" for name, value in sorted(self.settings.items()))
        settings = f'labctl --name "$LAB" config set {words}\n' if words else ""
        return _SET_UP.format(lab=self.lab, settings=settings)


def steps_of(script: Script, notes: Sequence[Sequence[Note]]) -> list[ExportedStep]:
    """The script's steps, each with what was seen. Those that were not done are left out."""
    return [
        ExportedStep(number, step.title, step.commands, seen)
        for number, (step, seen) in enumerate(zip(script.steps, notes, strict=False), 1)
    ]
