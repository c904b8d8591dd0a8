"""doctor: whether this machine is fit for the lab."""

from typing import Final

import typer

from labctl.cli.lab_command import lab_command
from labctl.cli.session import Session
from scenarios.events import TableShown
from stack.doctor import Outcome, examine
from stack.errors import EnvironmentFault
from stack.spec.events import StackNoted
from stack.spec.hints import for_lab

app = typer.Typer()
_WORDS: Final[dict[Outcome, str]] = {"ok": "ok", "warning": "note", "failed": "FAILED"}


@lab_command(app, tends=False)
def doctor(session: Session) -> None:
    """Check that this machine is fit for the lab.

    For each problem, it says what to do.
    """
    findings = list(examine(session.lab))
    rows = tuple((_WORDS[finding.outcome], finding.check, finding.detail) for finding in findings)
    document = [
        {
            "check": finding.check,
            "outcome": finding.outcome,
            "detail": finding.detail,
            "hint": for_lab(finding.hint, session.lab.name),
        }
        for finding in findings
    ]
    session.answer({"checks": document}, TableShown("doctor", "", ("", "check", "found"), rows))
    for finding in findings:
        if finding.hint:
            session.show(StackNoted(f"{finding.check}: {for_lab(finding.hint, session.lab.name)}"))
    failed = [finding.check for finding in findings if finding.outcome == "failed"]
    if failed and session.json:
        raise typer.Exit(EnvironmentFault.exit_code)
    if failed:
        raise EnvironmentFault(
            f"this machine is not ready for the lab: {', '.join(failed)}", hint="see the advice above"
        )
