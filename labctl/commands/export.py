"""export: a run or a demo as a script or a notebook."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from labctl.cli import completions
from labctl.cli.lab_command import output_command
from labctl.cli.session import Output
from labctl.cli.target import check_target, write_target
from labctl.export.build import KNOWN, export_demo, export_run
from labctl.export.document import Export
from labctl.export.notebook import to_notebook
from labctl.export.shell import to_shell
from labctl.runs.store import Runs, open_runs
from scenarios.journal.files import scenario_of
from stack.spec.events import StackNoted

Form = Literal["sh", "runme"]

#: How each form begins, so that it is known as an export: only an export is overwritten by another.
BEGINNINGS: Final = {
    "sh": re.compile(rb"#!/usr/bin/env bash\n(?:#[^\n]*\n)*?# Exported by labctl[ .]"),
    "runme": re.compile(rb"---\nshell: bash\n---\n(?:[^\n]*\n)*?Exported by labctl[ .]"),
}
_WRITERS: Final = {"sh": to_shell, "runme": to_notebook}

app = typer.Typer()


@output_command(app)
def export(
    output: Output,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|DEMO",
            autocompletion=completions.exportable,
            help="A run, `last`, or a journal's file; or a demo: its newest run, or its commands alone if it "
            "was never run.",
        ),
    ],
    form: Annotated[
        Form | None,
        typer.Option("--as", help="A bash script (sh, the default), or a Markdown notebook for Runme."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to FILE; a name ending in .md makes a notebook."
        ),
    ] = None,
) -> None:
    """Write a run as a script, or as a notebook for Runme.

    On a fresh lab, it does what the run did. What was seen then stands beside it.

    The commands are labctl's own. A journal adds options, settings and outputs.
    """
    chosen: Form = form or ("runme" if file is not None and file.suffix == ".md" else "sh")
    if file is not None:
        check_target(file, BEGINNINGS[chosen], "an export")
    text = _WRITERS[chosen](_export(open_runs(output.name, output.runtime), run))
    if file is None:
        output.answer_text("export", text)
        return
    write_target(file, text.encode(errors="replace"), executable=chosen == "sh")
    output.answer({"file": str(file), "as": chosen}, StackNoted(f"Wrote {file}."))


def _export(runs: Runs, word: str) -> Export:
    if word in KNOWN and word not in map(scenario_of, runs.journals()):
        return export_demo(word)
    return export_run(runs.open(word))
