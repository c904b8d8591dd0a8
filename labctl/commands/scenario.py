"""scenario: scenarios of one's own are begun, checked and shown."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from labctl.cli.lab_command import output_command
from labctl.cli.options import Json, LabName, Runtime
from labctl.cli.session import Output, open_output
from scenarios.events import TableShown
from scenarios.scripted.document import read_text
from scenarios.scripted.file import open_script, read_script
from scenarios.scripted.path import is_path
from scenarios.scripted.problem import Problem, Problems
from scenarios.scripted.schema import installed, installed_path
from scenarios.scripted.template import is_name, template
from scenarios.shell_commands import labctl_for
from stack.errors import StateUnusable, UsageError
from stack.spec.events import StackNoted
from stack.spec.names import DEFAULT_NAME

scenario_group = typer.Typer(
    help="Scenarios of your own, in YAML: write, check and show them.", no_args_is_help=True
)
app = typer.Typer()
app.add_typer(scenario_group, name="scenario")


@scenario_group.callback()
def begin(context: typer.Context, name: LabName = None, runtime: Runtime = None, json: Json = False) -> None:
    # The options stand here as well as at each command, so that either order works.
    open_output(context, name=name, runtime=runtime, json=json)


@output_command(scenario_group)
def new(
    output: Output,
    file: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Such as mine, or talks/mine.yaml.")],
) -> None:
    """Write a commented scenario to begin with. A file that is there already stays as it is."""
    path = Path(file if is_path(file) else f"{file}.yaml")
    name = path.stem
    if not is_name(name):
        raise UsageError(
            f"{name!r} can't be the name of a scenario",
            hint="use small letters, digits and dashes, 40 at most: my-scenario",
        )
    try:
        with path.open("x", encoding="utf-8") as written:
            written.write(template(name, installed_path()))
    except FileExistsError as error:
        raise UsageError(f"{path} exists already", hint="give another name, or remove it first") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StateUnusable(f"{path} can't be written: {reason}", hint="give another place") from error
    typed = path if is_path(str(path)) else f"./{path}"
    if output.json:
        output.answer({"file": str(path)})
    else:
        run = labctl_for(output.name or DEFAULT_NAME, f"demo {typed}")
        output.answer_text("file", f"{path} is written. Change it, then run it with `{run}`.")


@output_command(scenario_group)
def lint(
    output: Output,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Scenario files.")],
) -> None:
    """Say what is wrong with scenario files: file, line, column, and what would be right.

    Exit code 0: nothing; 2: something is.
    """
    found: dict[str, tuple[Problem, ...]] = {}
    unreadable: list[UsageError] = []
    for file in files:
        try:
            found[file] = _problems(file)
        except UsageError as error:
            # It must not hide what is wrong with the others.
            unreadable.append(error)
    if found:
        _tell(output, found)
    output.renderer.close()
    if unreadable:
        raise UsageError("; ".join(error.message for error in unreadable), hint=unreadable[0].hint)
    raise typer.Exit(2 if any(found.values()) else 0)


def _tell(output: Output, found: Mapping[str, tuple[Problem, ...]]) -> None:
    if output.json:
        output.answer({"files": [_document(file, problems) for file, problems in found.items()]})
        return
    lines = [problem.located(file) for file, problems in found.items() for problem in problems]
    lines += [f"{file}: nothing is wrong" for file, problems in found.items() if not problems]
    output.answer_text("problems", "\n".join(lines))


def _problems(file: str) -> tuple[Problem, ...]:
    try:
        read_script(read_text(Path(file)))
    except Problems as error:
        return error.found
    return ()


def _document(file: str, problems: tuple[Problem, ...]) -> dict[str, Any]:
    return {
        "file": file,
        "problems": [
            {
                "line": problem.mark.line,
                "column": problem.mark.column,
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in problems
        ],
    }


@output_command(scenario_group)
def show(
    output: Output, file: Annotated[str, typer.Argument(metavar="FILE", help="A scenario file.")]
) -> None:
    """Show what a scenario would do and what it expects, without doing it."""
    from scenarios.scripted.plan import plan_of

    plan = plan_of(open_script(Path(file)))
    steps = tuple(
        (str(number), step.title, step.command.partition(" \\\n")[0])
        for number, step in enumerate(plan.steps, 1)
    )
    output.answer(
        plan.document(),
        StackNoted(f"{plan.title}. {plan.summary}".strip()),
        TableShown("steps", "Steps", ("", "step", "command"), steps),
        TableShown("expected", "Expected", ("what", "predicted"), plan.expected),
    )


@output_command(scenario_group)
def schema(output: Output) -> None:
    """Print the JSON Schema of a scenario file, for editors."""
    sys.stdout.write(installed())
