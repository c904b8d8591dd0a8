"""open: the lab's page in a browser."""

import sys
import webbrowser
from typing import Annotated

import typer

from labctl.cli.lab_command import lab_command
from labctl.cli.session import Session
from labctl.cli.settings import CliSettings
from labctl.commands.lab import page_url
from stack.spec.events import StackNoted

app = typer.Typer()


@lab_command(app, "open", tends=False)
def open_page(
    session: Session,
    print_only: Annotated[bool, typer.Option("--print", help="Print its URL, and open nothing.")] = False,
) -> None:
    """Open the lab's page in a browser, or print its URL where there is none."""
    session.require_started()
    url = page_url(session)
    if session.json:
        session.answer({"page": url})
    elif not print_only and session.live and _open(url):
        session.show(StackNoted(f"The lab's page is open in a browser: {url}"))
    else:
        # For scripts: nothing but the URL.
        typer.echo(url)


def _open(url: str) -> bool:
    """Whether a browser with a window was started: one in this terminal would show nothing of the page."""
    if not CliSettings.from_env().windows and sys.platform != "darwin":
        return False
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
