"""A command group that imports a command when it is run: `labctl --help` must not wait for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """A command as the list of commands shows it."""

    #: The module below `labctl.commands`; its `app` holds the command.
    module: str
    #: The heading that it stands under.
    panel: str
    #: The first line of its help.
    summary: str


class LazyGroup(TyperGroup):
    """Subclasses name their commands; only the one that is run, completed or asked for help is imported."""

    entries: ClassVar[Mapping[str, Entry]]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, entry in self.entries.items():
            self.add_command(TyperCommand(name, help=entry.summary, rich_help_panel=entry.panel))

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        name, command, rest = super().resolve_command(ctx, args)
        entry = self.entries.get(name or "")
        return name, load(name or "", entry) if entry else command, rest


def load(name: str, entry: Entry) -> Any:
    """The Typer command of that name, from its module."""
    module = import_module(f"labctl.commands.{entry.module}")
    return typer.main.get_group(module.app).commands[name]
