"""The verdict against the truth: random runs of a cache that keeps its word."""

from hypothesis import given

from tests.unit.scenarios.histories import judged
from tests.unit.scenarios.worlds import World, worlds


@given(worlds())
def test_a_run_that_kept_its_word_is_judged_as_it_was(world: World) -> None:
    verdict = judged(world.writes, world.findings)
    assert {fate: count for fate, count in verdict.fates.items() if count} == dict(world.fates)
    assert set(verdict.lost_products) == world.lost_products
    assert verdict.validity == ("valid" if verdict.acknowledged else "unknown"), verdict.reasons
