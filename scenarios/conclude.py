"""The end that all scenarios share: wait until everything is flushed, read everything, judge, conclude."""

from collections.abc import Callable, Generator, Iterable
from typing import Final

from scenarios.events import Checked, Event, Measured, Narrated, TableShown, VerdictReached
from scenarios.journal.judgement import OnJudged
from scenarios.judge.checks.fates import DELETION, Judged
from scenarios.judge.ledger import Write
from scenarios.judge.persist_lag import Lag, Lags, PersistLag
from scenarios.judge.verdict import Verdict
from scenarios.lab.context import Run
from scenarios.scenario import Conclusion
from scenarios.settle import HINT, Settled
from stack.errors import NotRunning
from stack.spec.hints import for_lab

_FLUSH_TIMEOUT_S: Final = 30.0


def settle(run: Run, seconds: float = _FLUSH_TIMEOUT_S) -> Generator[Event, None, Settled]:
    """Let the worker finish, for `seconds` s at most; say why, if it does not."""
    try:
        settled = yield from run.probe.settle(seconds)
    except NotRunning as error:
        settled = Settled(quiet=False, culprit=error.message)
    if settled.culprit:
        hint = for_lab(HINT, run.lab.name)
        yield Narrated(f"Not everything can be flushed: {_sentence(settled.culprit)} {hint}.")
    elif not settled.quiet:
        yield Narrated(f"The queue is not empty after {seconds:g} s.")
    return settled


def reach_verdict(
    run: Run, settled: Settled | None = None, *, lag_of: Callable[[Write], bool] | None = None
) -> Generator[Event, None, Verdict]:
    """Let the worker finish, read PostgreSQL and Redis, and judge every write of the ledger.

    Args:
        settled: How the wait for the worker ended; None: it has yet to be waited for.
        lag_of: Chooses the writes whose persist lag is shown; None: it is not shown.
    """
    verdict, lag = yield from reach_verdict_and_lag(run, lag_of or (lambda write: False), settled)
    if lag_of is not None:
        yield from tell_lag(lag)
    return verdict


def reach_verdict_and_lag(
    run: Run,
    lag_of: Callable[[Write], bool],
    settled: Settled | None = None,
    *,
    on_judged: OnJudged | None = None,
) -> Generator[Event, None, tuple[Verdict, PersistLag | None]]:
    """Like `reach_verdict`, with the persist lag of the chosen writes, which is not shown.

    Args:
        on_judged: Takes each acknowledged write with its verdict.

    Returns:
        The verdict, and the lag; None if no write was seen to arrive in PostgreSQL.
    """
    if settled is None:
        settled = yield from settle(run)
    lags = Lags()

    def gather(write: Write, judged: Judged, lag: Lag | None) -> None:
        if on_judged is not None:
            on_judged(write, judged, lag)
        if lag is not None and lag_of(write):
            lags.add(lag)

    verdict = yield from run.judging(gather)
    for culprit in verdict.checks["final_read"].reasons:
        if culprit != settled.culprit:
            yield Narrated(f"{_sentence(str(culprit))} {for_lab(HINT, run.lab.name)}.")
    yield VerdictReached(verdict)
    if verdict.fates["superseded"]:
        yield Narrated(
            "Superseded: replaced by a newer write of the same product, before or after it reached "
            "PostgreSQL. Coalesced writes are those replaced before."
        )
    return verdict, lags.summary()


def tell_lag(lag: PersistLag | None) -> Generator[Event, None, None]:
    """Show how long acknowledged writes were only in Redis.

    Args:
        lag: None if no write was seen to arrive in PostgreSQL.
    """
    if lag is None:
        yield Narrated("No write was seen to arrive in PostgreSQL, so the persist lag is unknown.")
        return
    for key, label, ms in (
        ("persist_lag_p50_ms", "in PostgreSQL after, p50", lag.p50_ms),
        ("persist_lag_p95_ms", "in PostgreSQL after, p95", lag.p95_ms),
        ("persist_lag_p99_ms", "in PostgreSQL after, p99", lag.p99_ms),
        ("persist_lag_max_ms", "in PostgreSQL after, max", lag.max_ms),
        ("persist_lag_resolution_ms", "measured with a resolution of", lag.resolution_ms),
    ):
        yield Measured(key, label, round(ms), "ms")
    rows = tuple(
        (str(one.write.product), str((one.write.value or {}).get("name", DELETION)), f"{one.ms:,.0f}")
        for one in lag.worst
    )
    columns = ("product", "name", "lag, ms")
    yield TableShown("persist_lag_worst", "The slowest to reach PostgreSQL", columns, rows)
    yield Narrated(
        f"One write was only in Redis for {lag.max_ms:,.0f} ms, the longest of all. A crash of Redis in that "
        "time would have lost it.",
        "matters",
    )


def established(verdict: Verdict, *, passed: bool) -> bool | None:
    """Whether a check on the classes of all writes passed.

    Returns:
        None if it only seems to have passed: something could not be read, or the classes of some writes are
        not known.
    """
    # If another check is invalid, the verdict as a whole no longer says that something is unknown.
    validities = {verdict.validity, *(result.validity for result in verdict.checks.values())}
    undetermined = verdict.fates["undetermined"] > 0 or "unknown" in validities
    return None if passed and undetermined else passed


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def conclude(verdict: Verdict, events: Iterable[Event], text: str) -> Conclusion:
    """How a scenario ended that predicts a valid verdict.

    Args:
        events: The scenario's checks; other events among them are ignored.
        text: The conclusion if everything was as predicted.
    """
    contradicted = contradictions(event for event in events if isinstance(event, Checked))
    if verdict.validity == "unknown":
        return Conclusion("inconclusive", "; ".join(verdict.reasons))
    if verdict.validity == "valid" and not contradicted:
        return Conclusion("expected", text)
    return Conclusion("unexpected", ". ".join([*contradicted, *verdict.reasons]))


def contradictions(checks: Iterable[Checked]) -> list[str]:
    """One sentence for each prediction that the measurement contradicts."""
    return [
        f"Predicted: {check.claim}; measured: {check.actual}, not {check.expected}"
        for check in checks
        if check.passed is False
    ]
