"""The persist lag: from an acknowledgement to the poll that showed its row."""

from scenarios.judge.final_read import Findings
from scenarios.judge.history import History, Sighting, Sightings
from scenarios.judge.ledger import Write
from scenarios.judge.persist_lag import Lags, PersistLag
from scenarios.judge.persist_lag import lag_of as lag_of_write
from scenarios.judge.verdict import judge
from tests.unit.scenarios.histories import acknowledged, row, unknown


def lag_of(writes: list[Write], found: Findings, **seen: list[Sighting]) -> PersistLag | None:
    sightings = Sightings(polls=[0.0, 1.0, 2.0], seen=seen)
    verdict = judge(History(writes=writes, sightings=sightings), found)
    lags = Lags()
    for write, judged in zip((w for w in writes if w.answer == "acknowledged"), verdict.judged, strict=True):
        if (lag := lag_of_write(sightings, write, judged)) is not None:
            lags.add(lag)
    return lags.summary()


def seen(version: int, poll: int, asked: int = 0) -> Sighting:
    return Sighting(version=version, at=poll + 0.1, poll=poll, asked=asked)


def test_a_write_is_there_when_a_poll_shows_it_or_what_superseded_it() -> None:
    writes = [acknowledged("a", 1, at=(0, 0.1)), acknowledged("a", 2, at=(0.5, 0.6))]
    lag = lag_of(writes, Findings(rows={"a": row(2)}), a=[seen(2, 2)])
    assert lag is not None
    assert (lag.count, lag.max_ms, lag.p50_ms) == (2, 2000.0, 1500.0)
    assert [one.write.version for one in lag.worst] == [1, 2]
    assert lag.resolution_ms == 1100.0


def test_what_was_seen_before_its_answer_came_had_no_lag() -> None:
    lag = lag_of([acknowledged("a", 1, at=(0, 5))], Findings(rows={"a": row(1)}), a=[seen(1, 1)])
    assert lag is not None
    assert (lag.max_ms, lag.resolution_ms) == (0.0, 0.0)


def test_what_never_arrived_has_no_lag() -> None:
    writes = [acknowledged("a", 1), acknowledged("b", 1), unknown("c")]
    found = Findings(pending={"b": [row(1)]})
    # Another write's row came instead of the lost one.
    assert lag_of(writes, found, a=[seen(9, 1)]) is None


def test_percentiles_are_of_the_writes_and_eight_are_named() -> None:
    writes = [acknowledged(f"p{n}", 1, at=(0, n / 100)) for n in range(100)]
    found = Findings(rows={f"p{n}": row(1) for n in range(100)})
    lag = lag_of(writes, found, **{f"p{n}": [seen(1, 2)] for n in range(100)})
    assert lag is not None
    assert [round(ms) for ms in (lag.p50_ms, lag.p95_ms, lag.p99_ms, lag.max_ms)] == [1600, 2050, 2090, 2100]
    assert [one.write.product for one in lag.worst] == [f"p{n}" for n in range(8)]
