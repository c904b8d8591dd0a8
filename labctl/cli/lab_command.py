"""Declaring commands: those that work on one lab get a `Session`, and the options that go with it."""

import inspect
from collections.abc import Callable
from typing import Any, Final

import typer

from labctl.cli.options import Json, LabName, Quiet, Runtime
from labctl.cli.session import Output, Session, open_output, open_session

_OPTIONS: Final[dict[str, Any]] = {"name": LabName, "runtime": Runtime, "json": Json, "quiet": Quiet}


def lab_command(
    app: typer.Typer,
    name: str | None = None,
    *,
    json: bool = True,
    quiet: bool = False,
    raw_arguments: bool = False,
    tends: bool = True,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function whose first parameter is a `Session`; the rest are its own options.

    Args:
        json: Whether it has --json. quiet: whether it has --quiet. Every command has --name and --runtime.
        tends: Whether it first repairs what killed runs and a restarted Redis left behind.
        raw_arguments: Everything after the first argument belongs to another program.
    """
    chosen = ["name", "runtime", *(["json"] if json else []), *(["quiet"] if quiet else [])]
    settings = {"ignore_unknown_options": True, "allow_interspersed_args": False} if raw_arguments else None

    def open_lab(context: typer.Context, **shared: Any) -> Session:
        session = open_session(context, **shared)
        if tends:
            session.tend()
        return session

    return _register(app, name, chosen, open_lab, settings)


def output_command(
    app: typer.Typer, name: str | None = None, *, quiet: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function that needs no lab: its first parameter is an `Output`, the rest are its options.

    Args:
        quiet: Whether it has --quiet. Every command has --json, --name and --runtime.
    """
    chosen = ["name", "runtime", "json", *(["quiet"] if quiet else [])]

    return _register(app, name, chosen, open_output)


def _register(
    app: typer.Typer,
    name: str | None,
    chosen: list[str],
    begin: Callable[..., Output],
    settings: dict[str, Any] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a command.

    Args:
        chosen: The shared options that it has.
        begin: Makes the function's first parameter from the context and those options.
        settings: Of the command's context.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        def command(context: typer.Context, **given: Any) -> None:
            shared = {option: given.pop(option) for option in chosen}
            function(begin(context, **shared), **given)

        _declare(command, function, chosen)
        app.command(name or _spoken(function), context_settings=settings)(command)
        return function

    return register


def _declare(command: Callable[..., None], function: Callable[..., None], chosen: list[str]) -> None:
    """Give the command the options of the function and the shared ones, as typer reads them."""
    _, *own = inspect.signature(function).parameters.values()
    command.__doc__ = _reflowed(function.__doc__ or "")
    command.__signature__ = _signature(own, chosen)  # type: ignore[attr-defined] # typer reads it
    command.__annotations__ = {
        "context": typer.Context,
        **{parameter.name: parameter.annotation for parameter in own},
        **{option: _OPTIONS[option] for option in chosen},
    }


def _reflowed(text: str) -> str:
    """One line for each paragraph: help is wrapped at the width of the screen, not where the source is."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _spoken(function: Callable[..., None]) -> str:
    return function.__name__.replace("_", "-")


def _signature(own: list[inspect.Parameter], chosen: list[str]) -> inspect.Signature:
    kind = inspect.Parameter.KEYWORD_ONLY
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    defaults = {"name": None, "runtime": None, "json": False, "quiet": False}
    shared = [
        inspect.Parameter(option, kind, default=defaults[option], annotation=_OPTIONS[option])
        for option in chosen
    ]
    return inspect.Signature([context, *(parameter.replace(kind=kind) for parameter in own), *shared])
