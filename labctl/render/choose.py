"""Chooses the renderer that fits the options and the streams."""

import sys

from labctl.cli.settings import CliSettings
from labctl.render.json import JsonRenderer
from labctl.render.plain import PlainRenderer
from labctl.render.renderer import Renderer


def choose_renderer(*, json: bool, quiet: bool) -> Renderer:
    """The renderer for this call: JSON if asked for, Rich on a terminal, plain lines elsewhere."""
    if json:
        return JsonRenderer(sys.stdout)
    if is_terminal() and not quiet:
        # Rich takes longer to import than most commands take to run: a pipe does not wait for it.
        from rich.console import Console

        from labctl.render.rich import RichRenderer

        return RichRenderer(Console(highlight=False, markup=False, emoji=False))
    narration = sys.stdout if is_terminal() else sys.stderr
    return PlainRenderer(sys.stdout, narration, quiet=quiet)


def is_terminal() -> bool:
    """Whether stdout is a terminal that can move its cursor."""
    return sys.stdout.isatty() and not CliSettings.from_env().dumb
