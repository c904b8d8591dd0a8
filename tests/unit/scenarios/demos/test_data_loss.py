from scenarios.demos.data_loss import _DOOMED_GROUP, _SAFE_GROUP, _first_lost
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from scenarios.judge.verdict import judge
from tests.unit.scenarios.histories import acknowledged, row


def test_the_hint_names_the_first_lost_product_of_the_table() -> None:
    writes = [
        acknowledged("m", 1, group=_SAFE_GROUP),
        acknowledged("z", 2, group=_DOOMED_GROUP),
        acknowledged("a", 3, group=_DOOMED_GROUP),
    ]
    verdict = judge(History(writes=writes), Findings(rows={"m": row(1)}, since=0))
    assert verdict.lost_products == ("a", "z")
    assert _first_lost(verdict) == "z"
