"""export: a run or a demo as a script or a notebook."""

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from labctl.cli import completions
from labctl.cli.lab_command import output_command
from labctl.cli.session import Output
from labctl.export.build import KNOWN, export_demo, export_run
from labctl.export.document import Export
from labctl.export.notebook import to_notebook
from labctl.export.shell import to_shell
from labctl.runs.store import open_runs
from scenarios.journal.files import scenario_of
from stack.errors import StateUnusable

Form = Literal["sh", "runme"]

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
        typer.Option("--output", "-o", metavar="FILE", help="Write it there. FILE.md is for Runme."),
    ] = None,
) -> None:
    """Write a run as a script, or as a notebook for Runme.

    On a fresh lab, it does what the run did. What was seen then stands beside it.

    The commands are labctl's own. A journal adds options, settings and outputs.
    """
    chosen: Form = form or ("runme" if file is not None and file.suffix == ".md" else "sh")
    text = _WRITERS[chosen](_export(run))
    if file is None:
        output.answer_text("export", text)
        return
    _write(file, text, executable=chosen == "sh")
    if output.json:
        output.answer({"file": str(file), "as": chosen})
    else:
        sys.stderr.write(f"Wrote {file}.\n")


def _export(word: str) -> Export:
    runs = open_runs()
    if word in KNOWN and word not in map(scenario_of, runs.journals()):
        return export_demo(word)
    return export_run(runs.open(word))


def _write(file: Path, text: str, *, executable: bool) -> None:
    try:
        file.write_text(text, encoding="utf-8")
        if executable:
            file.chmod(file.stat().st_mode | 0o111)
    except OSError as error:
        raise StateUnusable(f"{file} can't be written: {error}", hint="name another file with -o") from error
