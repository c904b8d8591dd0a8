"""A demo waits for whoever looks at the page, and for no one else."""

import itertools
import time
from http.server import BaseHTTPRequestHandler

import pytest

from scenarios.marks.viewers import let_viewers_see
from tests.unit.scenarios.scripted_api import Answer, hang_up, serving, status


@pytest.mark.parametrize(
    "answer",
    [
        status(200, {"viewers": 0, "sampled_at": 7.5, "runs": []}),
        status(200, {"runs": []}),
        status(503, {}),
        hang_up,
    ],
    ids=["no one looks", "an API that does not say so", "refused", "gone"],
)
def test_without_viewers_it_does_not_wait(answer: Answer) -> None:
    with serving() as api:
        api.answer = answer
        let_viewers_see(api.url, seconds=30)
    assert [(method, path) for method, path, _, _ in api.asked] == [("GET", "/live/runs")]


def test_viewers_are_shown_three_samples_that_were_taken_since() -> None:
    taken = itertools.count()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        # A new sample with every second answer.
        status(200, {"viewers": 1, "sampled_at": next(taken) // 2 / 2, "runs": []})(handler)

    with serving() as api:
        api.answer = answer
        let_viewers_see(api.url, samples=3, seconds=30)
    assert len(api.asked) == 7


def test_it_does_not_wait_for_samples_that_never_come() -> None:
    with serving() as api:
        api.answer = status(200, {"viewers": 1, "sampled_at": 7.5, "runs": []})
        begun = time.monotonic()
        let_viewers_see(api.url, seconds=0.3)
        assert time.monotonic() - begun >= 0.3
