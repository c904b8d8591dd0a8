import pytest
from flask import Flask

from service import problems
from service.live.errors import HistoryUnavailable, InvalidFault, InvalidMark
from service.writebehind.errors import (
    CacheUnavailable,
    InvalidProduct,
    InvalidQuery,
    InvalidSettings,
    NoSuchProduct,
    OutcomeUnknown,
    QueueFull,
    RowsRefused,
    StoreUnavailable,
    WriteBehindError,
)

ERRORS = {
    InvalidProduct: 422,
    InvalidQuery: 422,
    InvalidSettings: 422,
    NoSuchProduct: 404,
    QueueFull: 503,
    CacheUnavailable: 503,
    StoreUnavailable: 503,
    OutcomeUnknown: 504,
    RowsRefused: 422,
    InvalidMark: 422,
    InvalidFault: 422,
    HistoryUnavailable: 503,
}


def answer_to(error: WriteBehindError, method: str) -> tuple[int, str, str]:
    app = Flask("problems")
    problems.register(app)

    @app.route("/", methods=["GET", "PUT"])
    def fail() -> str:
        raise error

    answer = app.test_client().open("/", method=method)
    assert answer.json is not None
    return answer.status_code, answer.json["title"], answer.json["detail"]


def test_every_error_of_the_write_path_has_its_answer() -> None:
    errors = {kind for kind in WriteBehindError.__subclasses__() if kind.__module__.startswith("service.")}
    assert set(ERRORS) == errors
    for kind, status in ERRORS.items():
        error = (
            kind({"price": "bad"}) if kind in (InvalidProduct, InvalidQuery, InvalidSettings) else kind("why")
        )
        found, _, detail = answer_to(error, "PUT")
        assert found == status
        assert "why" in detail or "bad" in detail


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_never_has_an_unknown_outcome(method: str) -> None:
    app = Flask("problems")
    problems.register(app)

    @app.get("/")
    def fail() -> str:
        raise OutcomeUnknown("Redis broke off")

    answer = app.test_client().open("/", method=method)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    if method == "GET":
        assert answer.json
        assert (answer.json["title"], answer.json["detail"]) == ("Redis is not available", "Redis broke off")
