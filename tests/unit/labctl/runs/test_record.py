"""The record of a run as one document."""

import pytest

from labctl.runs.record import RunRecord


def test_a_run_without_an_end_has_no_outcome() -> None:
    with pytest.raises(LookupError):
        _ = RunRecord().finished
