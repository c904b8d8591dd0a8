"""queue and dlq: what waits, and what was set aside."""

from typing import Annotated, Any

import typer

from labctl.cli.api import request
from labctl.cli.consent import require_consent
from labctl.cli.lab_command import lab_command
from labctl.cli.session import Session
from labctl.render.text.figures import duration
from scenarios.events import TableShown

queue_group = typer.Typer(help="The write queue: look at it, or flush it now.", no_args_is_help=True)
dlq_group = typer.Typer(help="The dead letters: writes that PostgreSQL refused.", no_args_is_help=True)
app = typer.Typer()
app.add_typer(queue_group, name="queue")
app.add_typer(dlq_group, name="dlq")


@lab_command(queue_group)
def show(session: Session) -> None:
    """Show how many writes wait, for how long, what the workers do, and the first that wait."""

    answer = request(session, "GET", "/admin/queue")
    rows = tuple((str(item.get("id")), _what(item), str(item.get("version"))) for item in answer["items"])
    session.answer_fields(answer)
    if session.json:
        return
    workers = tuple(
        (worker["name"], worker["state"], _since(worker), worker["reason"]) for worker in answer["workers"]
    )
    if workers:
        session.show(TableShown("workers", "The workers", ("worker", "", "for", ""), workers))
    if rows:
        session.show(TableShown("items", "The first in the queue", ("product", "waits", "version"), rows))


@lab_command(queue_group)
def flush(session: Session) -> None:
    """Write everything that waits to PostgreSQL now."""
    session.answer_fields(request(session, "POST", "/admin/flush"))


@lab_command(dlq_group, "list")
def show_letters(session: Session) -> None:
    """List the dead letters, oldest first, and why each was refused."""

    answer = request(session, "GET", "/admin/dlq")
    rows = tuple(
        (str(letter.get("id")), str(letter.get("attempts")), str(letter.get("error")))
        for letter in answer["items"]
    )
    title = f"{answer['dlq_size']} dead letters"
    session.answer(answer, TableShown("dlq", title, ("product", "attempts", "error"), rows))


@lab_command(dlq_group)
def requeue(session: Session) -> None:
    """Put every dead letter back into the queue, unless its product is newer by now."""
    session.answer_fields(request(session, "POST", "/admin/dlq/requeue"))


@lab_command(dlq_group)
def drop(
    session: Session,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Throw every dead letter away, for good."""

    require_consent("Throw every dead letter away?", given=yes, flag="--yes")
    session.answer_fields(request(session, "DELETE", "/admin/dlq"))


def _since(worker: dict[str, Any]) -> str:

    return duration(worker["for_ms"] / 1000)


def _what(item: dict[str, object]) -> str:
    age = f"{item['operation']}, for {float(str(item['age_ms'])):,.0f} ms"
    return f"{age}, attempt {item['attempts']} failed" if item["attempts"] else age
