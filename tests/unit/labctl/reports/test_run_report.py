"""What a report knows of a run, also of one that is not whole."""

import gzip
import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from labctl.reports import words
from labctl.reports.junit import junit
from labctl.reports.markdown import markdown
from labctl.reports.page import html
from labctl.reports.run_report import RunReport, read_report
from scenarios.events import Event, Outcome, VerdictReached
from scenarios.journal.lines import EventLine, WriteLine
from scenarios.journal.reader import open_journal
from scenarios.judge.history import History
from scenarios.judge.verdict import judge
from stack.local.process import identify
from tests.journals import ENVIRONMENT, FINISHED, write_journal
from tests.unit.labctl.reports.stories import ENDED, events, fault, journal, report_of, story


def test_a_whole_run_needs_no_warning(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    assert list(report.warnings()) == []
    assert words.outcome_of(report) == ("unexpected", "NOT AS EXPECTED", "one of the saved ones is lost")
    assert [(write.label, write.crash) for write in report.lost] == [("WillBeLost-0", 1), ("WillBeLost-1", 1)]
    assert words.lost_sentence(report) == "2 acknowledged writes lost."


def test_the_narration_is_in_its_steps(tmp_path: Path) -> None:
    first, second = report_of(tmp_path).story.steps
    assert [line.text for line in first.lines] == [
        "They were acknowledged.",
        "worker: stopped",
        "queue size: 5 writes",
    ]
    assert (second.lines[0].kind, second.lines[0].text) == ("matters", "Nobody else knows them.")


def test_bands_name_steps_and_what_was_broken(tmp_path: Path) -> None:
    report = report_of(tmp_path, lines=[fault()])
    labels = {(band.kind, band.label) for band in report.story.bands(report.until)}
    assert labels == {
        ("step", "1 Some products"),
        ("step", "2 Redis dies"),
        ("fault", "worker stopped"),
        ("fault", "redis:kill"),
        ("fault", "Redis lost its memory"),
    }


def test_a_fault_is_told_with_its_receipt(tmp_path: Path) -> None:
    (found,) = report_of(tmp_path, lines=[fault(bit=False)]).record.faults
    assert [(proof.what, proof.before) for proof in found.proofs] == [("pid", "4711"), ("queue", "5")]
    assert words.bite(found) == "DID NOT TAKE EFFECT: it never stopped"


def test_an_event_that_is_not_understood_is_left_out(tmp_path: Path) -> None:
    odd = [EventLine(name="FaultInjected", event={"fault": 7}), EventLine(name="Unheard", event={})]
    assert report_of(tmp_path, lines=odd).record.faults == ()


def test_a_run_that_was_cut_off_has_no_outcome(tmp_path: Path) -> None:
    report = report_of(tmp_path, ended=False)
    (warning,) = report.warnings()
    assert "was cut off" in warning
    assert words.outcome_of(report)[:2] == ("inconclusive", "CUT OFF")
    verdict = report.shown_verdict
    assert verdict is not None
    assert (verdict.validity, verdict.fates["persisted"]) == ("unknown", 0)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_damaged_journal_is_never_shown_as_a_whole_one(tmp_path: Path, share: float) -> None:
    path = journal(tmp_path)
    content = gzip.decompress(path.read_bytes())
    middle = int(len(content) * share)
    path.write_bytes(content[:middle] + b"~" + content[middle + 1 :])
    report = read_report(open_journal(path))
    assert any("is damaged" in warning for warning in report.warnings())
    assert words.outcome_of(report)[1] == "DAMAGED"


def test_a_packed_file_that_ends_early_is_not_a_whole_run(tmp_path: Path) -> None:
    path = journal(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    report = read_report(open_journal(path))
    assert not report.whole
    assert list(report.warnings())


def test_a_verdict_that_the_history_does_not_lead_to_is_told(tmp_path: Path) -> None:
    history, found = story()
    verdict = judge(history, found)
    kind = replace(verdict, fates={**verdict.fates, "lost": 0, "persisted": 3})
    told: list[Event] = [*events(), VerdictReached(kind), ENDED]
    report = read_report(open_journal(write_journal(tmp_path, history, found, events=told)))
    (warning,) = report.warnings()
    assert "is not what it records" in warning
    assert report.shown_verdict is not None
    assert report.shown_verdict.fates == verdict.fates
    assert words.outcome_of(report)[:2] == ("inconclusive", "NOT AS RECORDED")
    assert report.document["outcome"] is None
    assert report.document["verdict"]["fates"] == dict(verdict.fates)
    for text in (html(report), markdown(report), junit(report)):
        assert "NOT AS RECORDED" in text


def test_a_journal_that_contradicts_itself_has_no_outcome(tmp_path: Path) -> None:
    late = WriteLine(operation="create", answer="refused", value={}, sent=1e8, finished=3e8)
    report = report_of(tmp_path, lines=[late])
    assert "contradicts itself" in next(report.warnings())
    assert words.outcome_of(report)[1:] == ("DAMAGED", "The recorded outcome is not believed.")
    assert html(report)


@pytest.mark.parametrize("sent", [0.0, 1e308, -1e308])
def test_a_moment_beyond_all_reckoning_is_damage(tmp_path: Path, sent: float) -> None:
    forged = WriteLine(operation="create", answer="acknowledged", value={}, sent=sent, finished=1e308)
    report = report_of(tmp_path, lines=[forged])
    assert "is damaged" in next(report.warnings())
    assert words.outcome_of(report)[1] == "DAMAGED"
    assert html(report)


def without_verdict(folder: Path, outcome: Outcome) -> RunReport:
    history, found = story()
    told: list[Event] = [*events(), replace(ENDED, outcome=outcome)]
    return read_report(open_journal(write_journal(folder, history, found, events=told)))


@pytest.mark.parametrize("outcome", ["expected", "unexpected"])
def test_an_outcome_without_a_verdict_is_not_believed(tmp_path: Path, outcome: Outcome) -> None:
    report = without_verdict(tmp_path, outcome)
    assert not report.whole
    assert words.outcome_of(report)[:2] == ("inconclusive", "NO VERDICT")
    first, *others = report.warnings()
    assert first == "The journal holds no verdict, so its outcome is not believed."
    # One of its checks failed.
    assert ["though a check failed" in text for text in others] == [True] * (outcome == "expected")
    assert report.document["outcome"] is None
    assert words.lost_total(report) == 2
    for text in (html(report), markdown(report), junit(report)):
        assert "NO VERDICT" in text


def test_a_run_that_could_not_be_judged_needs_no_verdict(tmp_path: Path) -> None:
    report = without_verdict(tmp_path, "inconclusive")
    assert (report.whole, list(report.warnings())) == (True, [])
    assert words.outcome_of(report)[1] == "INCONCLUSIVE"


def experiment_of(folder: Path, trials: dict[str, Path]) -> RunReport:
    about = msgspec.structs.replace(ENVIRONMENT, run="20260101T110000Z-experiment", scenario="experiment")
    own = write_journal(folder, History(), None, events=[FINISHED], environment=about)
    return read_report(open_journal(own), trials=trials)


def test_an_experiment_is_as_good_as_its_trials(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    whole, cut = journal(tmp_path / "a"), journal(tmp_path / "b", ended=False)
    good = experiment_of(tmp_path / "c", {"x/1": whole})
    assert (words.outcome_of(good)[1], list(good.warnings())) == ("AS EXPECTED", [])
    for trials in ({"x/1": whole, "x/2": cut}, {}):
        report = experiment_of(tmp_path / "c", trials)
        assert words.outcome_of(report)[:2] == ("inconclusive", "NOT CONFIRMED")
        assert next(report.warnings()).startswith("The trials can't be confirmed: ")
    whole.write_bytes(whole.read_bytes()[:-40])
    assert not experiment_of(tmp_path / "c", {"x/1": whole}).whole


def test_the_document_says_what_it_was_made_on(tmp_path: Path) -> None:
    document = report_of(tmp_path, lines=[fault()]).document
    assert document["state"] == "complete"
    assert document["environment"]["settings"]["coalescing_window_ms"] == 500
    assert document["faults"][0]["bit"] is True
    assert "sum" not in document["environment"]


def test_a_journal_that_ends_anywhere_is_reported_in_every_format(tmp_path: Path) -> None:
    lines = gzip.decompress(journal(tmp_path, lines=[fault()]).read_bytes()).splitlines(keepends=True)
    cut = tmp_path / "20260101T120000Z-data-loss.jsonl"
    for count in range(1, len(lines), 2):
        # The last line is there in part.
        cut.write_bytes(b"".join(lines[:count]) + lines[count][:20])
        report = read_report(open_journal(cut))
        assert not report.whole
        for text in (html(report), markdown(report), junit(report)):
            assert "CUT OFF" in text
            assert "AS EXPECTED" not in text.replace("expected AS EXPECTED", "")
        assert report.document["state"] == "cut off"


def test_a_run_that_still_goes_on_is_not_shown_as_one_that_ended(tmp_path: Path) -> None:
    history, found = story()
    me = identify(os.getpid())
    assert me is not None
    environment = msgspec.structs.replace(ENVIRONMENT, pid=me.pid, process_started=me.start_time)
    path = write_journal(tmp_path, history, found, events=events(), environment=environment, close=False)
    report = read_report(open_journal(path))
    assert words.outcome_of(report)[1] == "RUNNING"
    assert list(report.warnings()) == ["The run still goes on. This is what was written down so far."]
