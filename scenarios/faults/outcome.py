"""What a load with faults comes to: the loss is its result, and is compared with the prediction."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from scenarios.conclude import contradictions, established
from scenarios.events import Checked, Event, Measured, Narrated
from scenarios.faults.action import Action
from scenarios.faults.inject import Injected, doubt
from scenarios.faults.prediction import Prediction, Tally, predict
from scenarios.judge.verdict import Verdict
from scenarios.scenario import Conclusion

_KILLED: Final = (
    "SIGKILL is a crash of the process, not a power loss. This Redis keeps nothing on disk, so whatever it "
    "alone held is gone."
)


@dataclass(frozen=True, slots=True)
class Faulted:
    """The faults of a load that has ended."""

    injected: Sequence[Injected]
    #: What was to be injected after the load had ended.
    left_out: Sequence[Action]
    tally: Tally
    #: Whether every write went through to PostgreSQL before its acknowledgement.
    through: bool = False

    def inconclusive(self) -> list[str]:
        """Why the run can't show what the faults cost; empty if it can."""
        return [
            *filter(None, (doubt(one.event) for one in self.injected)),
            *(f"the load ended before {action}" for action in self.left_out),
        ]

    def crashes(self) -> list[Injected]:
        """The faults that took Redis's memory."""
        return [one for one in self.injected if one.action.takes_memory]

    @property
    def hides_writes(self) -> bool:
        """Whether clients may not find their own writes: lost ones, and those that are set aside for a while,
        which reads no longer show."""
        return bool(self.crashes()) or any(one.action.verb == "on" for one in self.injected)

    def predictions(self) -> list[Prediction]:
        """What each of them may cost."""
        return [
            predict(
                self.tally,
                seen_at=one.before.at,
                oldest_age_s=one.before.memory.oldest_age_s,
                gone_at=one.gone_at,
                away=one.action.takes_service_away,
            )
            for one in self.crashes()
            if one.before is not None and one.before.memory is not None
        ]

    @property
    def at_stake(self) -> int:
        """How many products and older entries were in Redis alone at the crashes."""
        memories = [one.before.memory for one in self.crashes() if one.before is not None]
        return sum(memory.unwritten for memory in memories if memory is not None)


def report(faulted: Faulted, verdict: Verdict) -> Generator[Event, None, int]:
    """The loss beside its prediction.

    Returns:
        The most that may be lost.
    """
    predictions = faulted.predictions()
    most = sum(prediction.most for prediction in predictions)
    if any(one.action.verb == "kill" for one in faulted.crashes()):
        yield Narrated(_KILLED)
    for number, prediction in enumerate(predictions, 1):
        which = f" {number}" if len(predictions) > 1 else ""
        yield Narrated(
            f"Predicted for the crash{which}: {prediction.rate:,.0f} acknowledged writes a second for "
            f"{prediction.alone_s:.2f} s in Redis alone, so {prediction.writes:,.0f} lost, and at most the "
            f"{prediction.most:,} that were acknowledged in that time."
        )
    if predictions:
        expected = round(sum(prediction.writes for prediction in predictions))
        yield Measured("predicted_loss", "predicted loss", expected, "writes")
        yield Measured("predicted_loss_most", "predicted loss, at most", most, "writes")
        longest = max(prediction.alone_s for prediction in predictions)
        yield Measured("alone_in_redis_ms", "in Redis alone before the crash", round(1000 * longest), "ms")
    yield Measured("lost", "lost writes", verdict.fates["lost"], "writes")
    products = len(verdict.lost_products)
    yield Measured("lost_products", "products whose last value is lost", products, "products")
    return most


def check(faulted: Faulted, verdict: Verdict, most: int) -> list[Checked]:
    """The predictions, and what was measured."""
    crashes, seen, lost = len(faulted.crashes()), len(verdict.crashes), verdict.fates["lost"]
    counts = (
        ("none is set aside", verdict.fates["dead_lettered"], "dead-lettered"),
        ("none is left waiting", verdict.fates["pending"], "pending"),
    )
    return [
        Checked(
            "no more is lost than was in Redis alone" if crashes else "no acknowledged write is lost",
            f"at most {most:,} lost" if crashes else "0 lost",
            f"{lost:,} lost",
            established(verdict, passed=lost <= most),
        ),
        Checked("Redis lost its memory only on purpose", f"at most {crashes}", f"{seen}", seen <= crashes),
        *(
            Checked(claim, f"0 {word}", f"{count:,} {word}", established(verdict, passed=count == 0))
            for claim, count, word in counts
        ),
    ]


def conclude(faulted: Faulted, verdict: Verdict, checks: Iterable[Checked], text: str) -> Conclusion:
    """How the load ended.

    Args:
        checks: All predictions of the load.
        text: What the load reached, for the conclusion.
    """
    lost = verdict.fates["lost"]
    contradicted = contradictions(checks)
    if contradicted or verdict.validity == "invalid":
        return Conclusion("unexpected", "; ".join([*contradicted, *verdict.reasons]))
    unclear = [*faulted.inconclusive(), *verdict.reasons]
    if faulted.crashes() and not (faulted.at_stake or lost or faulted.through):
        unclear.append("nothing was in Redis alone at the crash, so there was nothing to lose")
    if undetermined := verdict.fates["undetermined"]:
        unclear.append(f"what became of {undetermined:,} acknowledged writes could not be seen")
    if unclear or verdict.validity == "unknown":
        return Conclusion("inconclusive", "; ".join(unclear))
    return Conclusion("expected", _told(faulted, verdict, text))


def _told(faulted: Faulted, verdict: Verdict, text: str) -> str:
    lost = verdict.fates["lost"]
    if not faulted.crashes():
        return f"{text}; no acknowledged write is lost."
    if not lost:
        return f"{text}; Redis lost its memory, and no acknowledged write with it."
    predictions = faulted.predictions()
    predicted = sum(prediction.writes for prediction in predictions)
    most = sum(prediction.most for prediction in predictions)
    return (
        f"{text}; {lost:,} of {verdict.acknowledged:,} acknowledged writes are lost with Redis's memory. "
        f"About {predicted:,.0f} were predicted, {most:,} at most."
    )
