"""recheck: an earlier run is judged anew, offline, from its journal."""

from typing import Annotated, Any

import typer

from labctl.cli import completions
from labctl.cli.lab_command import output_command
from labctl.cli.session import Output
from labctl.runs.store import LAST, open_runs
from scenarios.events import Checked, Event, VerdictReached
from scenarios.journal.recheck import Recheck, recheck_journal
from stack.spec.events import StackNoted

app = typer.Typer()


@output_command(app, quiet=True)
def recheck(
    output: Output,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|FILE",
            autocompletion=completions.runs,
            help="A run, `last`, a demo's name for its newest run, or a journal's file.",
        ),
    ] = LAST,
) -> None:
    """Judge an earlier run anew, from its journal alone.

    It takes today's checks and no lab.

    Exit code 0: the verdict is the same, and the journal is whole; 1: the verdict is another one, or the
    journal contradicts itself; 3: the run was cut off before it was judged.
    """
    rechecked = recheck_journal(open_runs(output.name, output.runtime).open(run))
    output.answer(_document(rechecked), *_events(rechecked))
    output.renderer.close()
    raise typer.Exit({"same": 0, "different": 1, "undecided": 3}[rechecked.result])


def _events(rechecked: Recheck) -> list[Event]:
    return [
        *(StackNoted(text) for text in rechecked.contradictions),
        VerdictReached(rechecked.verdict),
        Checked("the journal is whole and fits together", "nothing odd", _odd(rechecked), rechecked.is_whole),
        Checked(
            "the verdict is the one that was given",
            rechecked.given_in_words,
            rechecked.found_in_words,
            rechecked.is_same,
        ),
        StackNoted(f"{rechecked.run}: {rechecked.conclusion}"),
    ]


def _odd(rechecked: Recheck) -> str:
    count = len(rechecked.contradictions)
    return "nothing odd" if not count else f"{count} thing{'s' if count > 1 else ''} odd"


def _document(rechecked: Recheck) -> dict[str, Any]:
    return {
        "run": rechecked.run,
        "state": rechecked.state,
        "result": rechecked.result,
        "conclusion": rechecked.conclusion,
        "contradictions": list(rechecked.contradictions),
        "differences": list(rechecked.differences),
        "given": None if rechecked.given is None else rechecked.given.to_json(),
        "verdict": rechecked.verdict.to_json(),
    }
