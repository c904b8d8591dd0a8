"""Which combinations are tried, and in which order."""

from collections.abc import Mapping

import pytest

from scenarios.experiment.design import Design
from scenarios.experiment.grid import grid, shuffled


def labels(**choices: object) -> list[str]:
    design = Design(**choices)  # type: ignore[arg-type]  # a test's own words
    return [cell.label(design) for cell in grid(design).cells]


def test_the_default_asks_the_engineers_question() -> None:
    assert labels() == ["write-behind, window 500 ms", "write-behind, window 50 ms", "write-through"]
    (why,) = grid(Design()).dropped
    assert why.startswith("COALESCING_WINDOW_MS is not varied for write_through")


def test_a_setting_that_matters_under_both_policies_is_varied_under_both() -> None:
    found = labels(settings={"CACHE_TTL_SECONDS": ("60", "600")})
    assert found == [
        "write-behind, CACHE_TTL_SECONDS=60",
        "write-behind, CACHE_TTL_SECONDS=600",
        "write-through, CACHE_TTL_SECONDS=60",
        "write-through, CACHE_TTL_SECONDS=600",
    ]


def test_without_coalescing_the_window_does_not_matter_and_with_it_the_interval_does_not() -> None:
    settings: Mapping[str, tuple[str, ...]] = {
        "WRITE_COALESCING_ENABLED": ("true", "false"),
        "COALESCING_WINDOW_MS": ("500", "50"),
        "FLUSH_INTERVAL_MS": ("1000", "100"),
    }
    design = Design(settings=settings, policies=("write_behind",))
    found = grid(design)
    assert [cell.label(design) for cell in found.cells] == [
        "coalescing true, window 500 ms",
        "coalescing true, window 50 ms",
        "coalescing false, flush interval 1000 ms",
        "coalescing false, flush interval 100 ms",
    ]
    assert len(found.dropped) == 2


def test_faults_are_compared_and_one_cell_may_have_several() -> None:
    design = Design(
        settings={}, policies=("write_behind",), faults=("none", "redis:kill@2s + worker:kill@1s")
    )
    calm, broken = grid(design).cells
    assert calm.faults == ()
    assert broken.faults == ("redis:kill@2s", "worker:kill@1s")
    assert calm.label(design) == "no fault"


def test_the_cells_lab_gets_its_settings_and_its_policy() -> None:
    first = grid(Design()).cells[0]
    assert first.environment == {"WRITE_POLICY": "write_behind", "COALESCING_WINDOW_MS": "500"}


@pytest.mark.parametrize("seed", [0, 42])
def test_each_round_tries_each_cell_once_in_an_order_that_the_seed_decides(seed: int) -> None:
    cells = grid(Design(settings={"BATCH_SIZE": ("1", "10", "100", "1000")})).cells
    rounds = [list(shuffled(cells, seed, number)) for number in range(1, 7)]
    assert all(sorted(each, key=cells.index) == list(cells) for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1
    assert rounds == [list(shuffled(cells, seed, number)) for number in range(1, 7)]
