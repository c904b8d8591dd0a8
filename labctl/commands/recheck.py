"""recheck: an earlier run is judged anew, offline, from its journal."""

from typing import Annotated, Any

import typer

from labctl.cli import completions
from labctl.cli.lab_command import output_command
from labctl.cli.session import Output
from labctl.render.text.sentences import plural
from labctl.runs.store import LAST, open_runs
from scenarios.events import Checked, Event, VerdictReached
from scenarios.experiment.journal import NAME as EXPERIMENT
from scenarios.experiment.recheck import ExperimentRecheck, recheck_experiment
from scenarios.recheck.recheck import Recheck, recheck_journal
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

    Uses today's checks and needs no lab. For an experiment, every trial is judged.

    Exit code 0: the verdict is the same, and the journal is whole; 1: the verdict is another one, or the
    journal contradicts itself; 3: the run was cut off before it was judged.
    """
    runs = open_runs(output.name, output.runtime)
    journal = runs.open(run)
    if journal.environment.scenario == EXPERIMENT:
        experiment = recheck_experiment(journal, runs.trials(journal.run))
        output.answer(_experiment_document(experiment), *_experiment_events(experiment))
        result = experiment.result
    else:
        rechecked = recheck_journal(journal)
        output.answer(_document(rechecked), *_events(rechecked))
        result = rechecked.result
    output.renderer.close()
    raise typer.Exit({"same": 0, "different": 1, "undecided": 3}[result])


def _experiment_events(experiment: ExperimentRecheck) -> list[Event]:
    return [
        *(StackNoted(text) for text in experiment.contradictions),
        *(
            Checked(
                f"the verdict of {name.rpartition('/')[2]} is the one that was given",
                each.given_in_words,
                each.found_in_words,
                each.is_same if each.is_whole else False,
            )
            for name, each in experiment.trials.items()
        ),
        StackNoted(f"{experiment.run}: {experiment.conclusion}"),
    ]


def _experiment_document(experiment: ExperimentRecheck) -> dict[str, Any]:
    return {
        "run": experiment.run,
        "state": experiment.state,
        "result": experiment.result,
        "conclusion": experiment.conclusion,
        "contradictions": list(experiment.contradictions),
        "trials": [{**_document(each), "run": name} for name, each in experiment.trials.items()],
    }


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
    return f"{plural(count, 'thing')} odd" if count else "nothing odd"


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
