"""What the client records for every kind of answer, and for none."""

import socket
import time
from collections.abc import Iterator

import pytest

from scenarios.judge.ledger import Answer as Outcome
from scenarios.judge.ledger import Ledger
from scenarios.lab.client import Client
from stack.errors import EnvironmentFault, NotRunning
from stack.spec.hints import for_lab
from tests.unit.scenarios.histories import WIDGET
from tests.unit.scenarios.scripted_api import Answer, ScriptedApi, break_off, hang_up, serving, status

TAKEN = {"id": "p", "version": 7, "name": "Widget", "source": "cache"}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with serving() as api:
        yield api


@pytest.fixture
def client(api: ScriptedApi, ledger: Ledger) -> Iterator[Client]:
    with Client(api.url, ledger) as client:
        yield client


@pytest.mark.parametrize(
    ("answer", "outcome", "version", "detail"),
    [
        pytest.param(status(201, TAKEN), "acknowledged", 7, "", id="201"),
        pytest.param(status(200, TAKEN), "acknowledged", 7, "", id="200"),
        pytest.param(status(422, {"detail": "name: too long"}), "refused", None, "too long", id="422"),
        pytest.param(status(404, {"detail": "no such product"}), "refused", None, "no such", id="404"),
        pytest.param(status(503, {"detail": "queue full"}), "refused", None, "queue full", id="503"),
        pytest.param(status(500, {"detail": "a bug"}), "unknown", None, "a bug", id="500"),
        pytest.param(status(502, b"bad gateway"), "unknown", None, "bad gateway", id="502"),
        pytest.param(status(504, {"detail": "nobody knows"}), "unknown", None, "nobody", id="504"),
        pytest.param(hang_up, "unknown", None, "RemoteProtocolError", id="closed without an answer"),
        pytest.param(break_off, "unknown", None, "RemoteProtocolError", id="closed in mid-answer"),
        pytest.param(status(201, b'{"id":'), "unknown", None, "201 without", id="an answer that is no JSON"),
        pytest.param(status(201, ["p"]), "unknown", None, "201 without", id="an answer of another shape"),
        pytest.param(status(201, {"id": "p"}), "unknown", None, "201 without", id="no version"),
    ],
)
def test_the_outcome_of_a_write(
    api: ScriptedApi,
    client: Client,
    ledger: Ledger,
    answer: Answer,
    outcome: Outcome,
    version: int | None,
    detail: str,
) -> None:
    api.answer = answer
    before = time.monotonic()
    write = client.create(WIDGET, group="g")
    assert (write.answer, write.version) == (outcome, version)
    assert write.product == ("p" if outcome == "acknowledged" else None)
    assert detail in write.detail
    assert (write.operation, write.value, write.group) == ("create", WIDGET, "g")
    assert before <= write.sent_at < write.finished_at <= time.monotonic()
    assert write.latency_ms == pytest.approx(1000 * (write.finished_at - write.sent_at))
    assert ledger.writes == (write,)


def test_after_a_timeout_nobody_can_say(api: ScriptedApi, ledger: Ledger) -> None:
    api.answer = api.fall_silent
    with Client(api.url, ledger, timeout_s=0.05) as client:
        write = client.update("p", WIDGET)
    assert (write.answer, write.product, write.version) == ("unknown", "p", None)
    assert "ReadTimeout" in write.detail
    assert ledger.writes == (write,)


def test_what_could_not_be_sent_was_not_taken(ledger: Ledger) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", ledger) as client:
        write = client.delete("p")
    assert (write.answer, write.product) == ("refused", "p")
    assert write.detail.startswith("not sent: ")
    assert ledger.writes == (write,)


def test_each_verb_asks_what_it_says(api: ScriptedApi, client: Client) -> None:
    api.answer = status(200, TAKEN)
    client.create(WIDGET)
    client.update("p", WIDGET, policy="write_through")
    client.delete("p")
    assert [(method, path, body) for method, path, _, body in api.asked] == [
        ("POST", "/products", WIDGET),
        ("PUT", "/products/p", WIDGET),
        ("DELETE", "/products/p", None),
    ]
    policies = [headers.get("X-Write-Policy") for _, _, headers, _ in api.asked]
    assert policies == [None, "write_through", None]


def test_an_update_keeps_its_product_whatever_the_answer(api: ScriptedApi, client: Client) -> None:
    api.answer = status(503, {})
    assert client.update("p", WIDGET).product == "p"


def test_a_read_of_what_is_nowhere_is_none(api: ScriptedApi, client: Client) -> None:
    api.answer = status(200, TAKEN)
    assert client.read("p") == TAKEN
    api.answer = status(404, {})
    assert client.read("p") is None


def test_questions_are_no_writes(api: ScriptedApi, client: Client, ledger: Ledger) -> None:
    api.answer = status(200, {"queue_size": 3})
    assert client.queue() == client.config() == client.change_config({"batch_size": 1}) == {"queue_size": 3}
    assert client.requeue_dead_letters() == {"queue_size": 3}
    api.answer = status(202, {})
    client.flush()
    assert ledger.writes == ()


def test_a_question_that_is_refused_names_itself_and_the_answer(api: ScriptedApi, client: Client) -> None:
    api.answer = status(503, {"detail": "Redis is away"})
    with pytest.raises(EnvironmentFault, match=r"GET /admin/queue was answered with 503.*Redis is away"):
        client.queue()


def test_an_api_that_does_not_answer_is_not_running(api: ScriptedApi, client: Client) -> None:
    api.answer = hang_up
    with pytest.raises(NotRunning, match="does not answer") as error:
        client.config()
    assert api.url in error.value.message
    assert "labctl up" in for_lab(error.value.hint, "lab42")
