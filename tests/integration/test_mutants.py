"""A clean verdict is worth only as much as the defects it would find. So every defect put in on purpose is
flagged, and the same workload on the healthy write path is not."""

import pytest

from scenarios.judge.verdict import Verdict
from service.writebehind.entry import parse_product
from tests.ledgered import LedgeredPath
from tests.mutants import MUTANTS, RIGGED, Mutant
from tests.write_path import OpenPath

every_mutant = pytest.mark.parametrize(
    "mutant", MUTANTS, ids=lambda mutant: f"{mutant.defect:02}-{mutant.name.replace(' ', '-')}"
)


def judge(open_path: OpenPath, mutant: Mutant, *, healthy: bool) -> Verdict:
    parts = RIGGED if healthy else mutant.parts
    parse = parse_product if healthy else mutant.parse
    with LedgeredPath(open_path(parts, **mutant.settings), parts, parse) as run:
        mutant.story(run)
        return run.judge()


@every_mutant
def test_the_verdict_flags_the_defect(open_path: OpenPath, mutant: Mutant) -> None:
    verdict = judge(open_path, mutant, healthy=False)
    assert verdict.acknowledged > 0
    assert mutant.flagged(verdict), verdict


@every_mutant
def test_the_verdict_finds_nothing_wrong_without_it(open_path: OpenPath, mutant: Mutant) -> None:
    verdict = judge(open_path, mutant, healthy=True)
    assert verdict.acknowledged > 0
    assert (verdict.validity, verdict.fates["lost"]) == ("valid", 0), verdict
    assert not mutant.flagged(verdict)


def test_at_least_ten_defects_are_covered() -> None:
    assert len({mutant.defect for mutant in MUTANTS}) >= 10
