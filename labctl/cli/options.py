"""The options that several commands share, each declared once."""

from typing import Annotated, Literal

import typer

from labctl.cli import completions

#: The same words as stack's own.
RuntimeChoice = Literal["auto", "local", "docker"]

LabName = Annotated[
    str | None, typer.Option("--name", metavar="LAB", help="Which lab (lab42); several run side by side.")
]
Runtime = Annotated[
    RuntimeChoice | None,
    typer.Option("--runtime", help="Docker containers or local processes (auto)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the verdict and errors.")]
Expect = Annotated[
    list[str] | None,
    typer.Option(
        "--expect",
        metavar="FIGURE",
        help="A limit for the run's figures, such as 'p99<20ms' or 'lost==0'; exit code 1 beyond it. "
        "Repeatable.",
    ),
]
Service = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE",
        autocompletion=completions.services,
        help="redis, postgres, api, worker; in Docker prometheus, grafana, jaeger.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        autocompletion=completions.lab_settings,
        help="A setting, such as BATCH_SIZE=100. Repeatable.",
    ),
]
