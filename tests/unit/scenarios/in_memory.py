"""The verdict of a fake run, whose history and final read are in memory."""

from collections.abc import Generator

from scenarios.events import Event
from scenarios.journal.judgement import OnJudged
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from scenarios.judge.persist_lag import lag_of
from scenarios.judge.verdict import Verdict, judge


def judging_in_memory(
    history: History, findings: Findings, on_judged: OnJudged | None
) -> Generator[Event, None, Verdict]:
    """What `Run.judging` does with a journal."""
    yield from ()
    verdict = judge(history, findings)
    acknowledged = (write for write in history.writes if write.answer == "acknowledged")
    for write, judged in zip(acknowledged, verdict.judged, strict=True):
        if on_judged is not None:
            on_judged(write, judged, lag_of(history.sightings, write, judged))
    return verdict
