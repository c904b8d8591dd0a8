"""Runbook part 7: failing database writes are retried, given up, and put back; none is lost."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from scenarios.conclude import conclude, established, reach_verdict
from scenarios.events import Checked, Event, Measured, Narrated, StepStarted, TableShown
from scenarios.judge.ledger import Write
from scenarios.lab.context import Run
from scenarios.preconditions import flush_delay, require_acknowledged, require_settings
from scenarios.scenario import Conclusion, Options, refuse_load_options
from scenarios.shell_commands import curl, labctl, redis_cli
from service.writebehind import keys
from stack.errors import DeadlinePassed, Inconclusive
from stack.spec.events import Advanced
from stack.wait import waiting

_UNLUCKY: Final = 20
_DOOMED: Final = 5
_MAX_RETRIES: Final = 3
#: Retries come quickly, so that nobody has to wait for them. With ten of them and 30 % failures, one
#: write in half a million is given up.
_SOMETIMES: Final = {
    "simulate_db_failure": True,
    "failure_rate": 0.3,
    "max_retries": 10,
    "retry_delay_ms": 50,
}
_ALWAYS: Final = {**_SOMETIMES, "failure_rate": 1.0, "max_retries": _MAX_RETRIES}
_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Retries:
    """Some writes fail now and then; others always, until the database works again."""

    name: str = "retries"
    title: str = "Retries and dead letters"
    summary: str = (
        "The worker's database writes fail on purpose: first some, which a retry repairs, then all, which "
        "fills the dead letter queue. Put back, the dead letters reach PostgreSQL after all."
    )
    steps: int = 5

    def check(self, options: Options) -> None:
        refuse_load_options(self.name, options)

    def play(self, run: Run, options: Options) -> Generator[Event, None, Conclusion]:
        flush_delay(require_settings(run, "nothing waits for the worker", write_policy="write_behind"))
        _require_no_dead_letters(run)
        before = run.probe.live_settings()
        with _repaired_if_cut_short(run, before):
            checks = [*(yield from _fail_sometimes(run)), *(yield from _fail_always(run))]
            yield from _put_back(run, before)
        yield StepStarted(5, "Nothing is lost", curl("GET", f"{run.api_url}/admin/queue"))
        verdict = yield from reach_verdict(run)
        left = sum(verdict.fates[fate] for fate in ("lost", "pending", "dead_lettered"))
        arrived = Checked(
            "every acknowledged write is in PostgreSQL",
            "0 missing",
            f"{left} missing",
            passed=established(verdict, passed=left == 0),
        )
        yield arrived
        yield Narrated(
            "Retries cover what passes by itself. What does not is set aside, with its error, where a "
            "person can look at it, and nothing waits behind it.",
            "matters",
        )
        text = f"All {verdict.acknowledged} writes are in PostgreSQL: retried, or put back by hand."
        return conclude(verdict, [*checks, arrived], text)


RETRIES: Final = Retries()


def _require_no_dead_letters(run: Run) -> None:
    if run.probe.depth().dead_letters:
        raise Inconclusive(
            "there are dead letters from before, which would be put back with this run's",
            hint="look at them with `labctl dlq list`; then `labctl dlq requeue` or `labctl dlq drop`",
        )


@contextmanager
def _repaired_if_cut_short(run: Run, before: Mapping[str, str]) -> Iterator[None]:
    """If what is within does not come to its end, the worker does not go on failing on purpose, and no
    dead letter of this run stays behind. Where the run is killed, the next command sees to that."""
    run.journal.note_settings(before, _SOMETIMES)
    run.journal.note_dead_letters()
    try:
        yield
    except BaseException:
        run.probe.put_back(before, _SOMETIMES)
        run.client.requeue_dead_letters()
        run.journal.clear()
        raise
    run.journal.clear()


def _create(run: Run, name: str, count: int) -> list[Write]:
    writes = [
        run.client.create({"name": f"{name}-{n}", "price": 19.99, "quantity": n}, group=name)
        for n in range(1, count + 1)
    ]
    require_acknowledged(writes)
    return writes


def _fail_sometimes(run: Run) -> Generator[Event, None, list[Checked]]:
    command = labctl(run.lab.name, "config set SIMULATE_DB_FAILURE=true FAILURE_RATE=0.3")
    yield StepStarted(1, "Three writes in ten fail", command)
    before = run.probe.totals()
    run.client.change_config(_SOMETIMES)
    writes = _create(run, "Retried", _UNLUCKY)
    if not (yield from run.probe.settle(_SECONDS)).quiet:
        raise Inconclusive(f"retries go on after {_SECONDS:g} s", hint="see `labctl logs worker`")
    rows = run.probe.rows([str(write.product) for write in writes])
    retried = run.probe.totals().get("retried", 0) - before.get("retried", 0)
    if not retried:
        raise Inconclusive("by chance no write failed", hint="run it again")
    yield Measured("retried", "attempts that failed and were repeated", retried)
    check = Checked(
        "a retry repairs what failed for a moment",
        f"{len(writes)} of {len(writes)} rows",
        f"{len(rows)} of {len(writes)} rows",
        passed=len(rows) == len(writes),
    )
    yield check
    return [check]


def _fail_always(run: Run) -> Generator[Event, None, list[Checked]]:
    command = labctl(run.lab.name, f"config set FAILURE_RATE=1 MAX_RETRIES={_MAX_RETRIES}")
    yield StepStarted(2, "Every write fails", command)
    run.client.change_config(_ALWAYS)
    writes = _create(run, "Doomed", _DOOMED)
    yield Narrated(f"{_DOOMED} products are acknowledged: their clients can't know what will follow.")
    yield from _wait_for_dead_letters(run)

    command = redis_cli(run.lab.urls()["redis"], "LRANGE", keys.DLQ, "0", "-1")
    yield StepStarted(3, "The dead letter queue", command)
    letters = run.probe.dead_letters()
    yield TableShown(
        "dead_letters",
        "Dead letters",
        ("product", "attempts", "error"),
        tuple((_name(letter), str(letter.get("attempts")), str(letter.get("error"))) for letter in letters),
    )
    tried = sorted({int(letter.get("attempts", 0)) for letter in letters})
    check = Checked(
        "each was tried once, and again as often as MAX_RETRIES says, and then set aside",
        f"{len(writes)} letters, {_MAX_RETRIES + 1} attempts",
        f"{len(letters)} letters, {', '.join(map(str, tried))} attempts",
        passed=len(letters) == len(writes) and tried == [_MAX_RETRIES + 1],
    )
    yield check
    return [check]


def _wait_for_dead_letters(run: Run) -> Generator[Event, None, None]:
    """Raises Inconclusive where they do not come."""
    label = "given up"
    try:
        for _ in waiting(
            lambda: run.probe.depth().dead_letters >= _DOOMED,
            seconds=_SECONDS,
            reason="the writes are in the dead letter queue",
            hint="is the worker running? see `labctl logs worker`",
            poll=0.1,
        ):
            yield Advanced(label, min(run.probe.depth().dead_letters, _DOOMED), _DOOMED)
    except DeadlinePassed as error:
        raise Inconclusive(error.message, hint=error.hint) from error
    yield Advanced(label, _DOOMED, _DOOMED)


def _name(letter: dict[str, Any]) -> str:
    entry = letter.get("entry")
    return str(entry.get("name")) if isinstance(entry, dict) else str(letter.get("id"))


def _put_back(run: Run, before: Mapping[str, str]) -> Generator[Event, None, None]:
    works = labctl(run.lab.name, "config set SIMULATE_DB_FAILURE=false")
    requeue = curl("POST", f"{run.api_url}/admin/dlq/requeue")
    yield StepStarted(4, "The database works again: put them back", f"{works} && \\\n  {requeue}")
    run.probe.put_back(before, _SOMETIMES)
    done = run.client.requeue_dead_letters()
    yield Measured("requeued", "dead letters put back", int(done["requeued"]), "letters")
