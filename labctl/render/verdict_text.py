"""The verdict on a terminal: one line for each class, and the loss in words."""

from collections.abc import Mapping
from typing import Final

from labctl.render.text import sentences
from labctl.render.text.figures import figure
from labctl.render.transcript import INDENT, Transcript
from scenarios.judge.checks.fates import Class
from scenarios.judge.checks.result import Validity
from scenarios.judge.verdict import Verdict

_STYLES: Final[Mapping[Validity, str]] = {
    "valid": "bold green",
    "unknown": "bold yellow",
    "invalid": "bold red",
}


def write_verdict(transcript: Transcript, verdict: Verdict) -> None:
    """Write the whole verdict."""
    transcript.heading("Verdict")
    # Not green: that would say all is well, beside a measured loss.
    calm = verdict.validity == "valid" and verdict.fates.get("lost", 0)
    style = "bold" if calm else _STYLES[verdict.validity]
    transcript.write((f"{INDENT}{sentences.VALIDITIES[verdict.validity]}", style))
    transcript.air()
    transcript.write((f"{INDENT}  {figure(verdict.acknowledged):>9}  acknowledged", "bold"))
    for fate, word, meaning in sentences.shown_fates(verdict):
        count = verdict.fates.get(fate, 0)
        mark, style = _accent(transcript, fate) if count else (" ", "")
        line = f"{INDENT}{mark} {figure(count):>9}  {word}"
        transcript.write((f"{line:<32}", style), meaning if count else "")
    transcript.air()
    for sentence in (sentences.loss(verdict), *sentences.remarks(verdict)):
        transcript.paragraph(sentence)
    transcript.air()


def _accent(transcript: Transcript, fate: Class) -> tuple[str, str]:
    if fate == "lost":
        return transcript.marks.bad, "bold red"
    if fate in ("dead_lettered", "pending", "undetermined"):
        return "!", "bold yellow"
    return transcript.marks.good, "bold green"
