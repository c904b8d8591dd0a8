"""What proves that a fault took effect: pure functions of what was seen before and after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scenarios.events import Proof
from scenarios.faults.action import Action, Target, Verb
from scenarios.faults.sight import Process, Sight


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was seen, and what it says about the fault."""

    proofs: tuple[Proof, ...]
    #: Whether it took effect; None: it could not be seen.
    bit: bool | None
    #: Why it did not, or why that could not be seen; empty if it did.
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sights:
    target: Target
    before: Sight
    after: Sight
    #: Before the target was broken; the same as `before` unless this mends it.
    whole: Sight


@dataclass(frozen=True, slots=True)
class _Finding:
    """One thing that was compared."""

    proof: Proof
    #: Why it speaks against the fault; empty if it does not.
    against: str = ""
    #: Why it could not be seen; empty if it could.
    unseen: str = ""


#: None: it does not apply to the target.
_Look = Callable[[_Sights], _Finding | None]


def evaluate(action: Action, before: Sight, after: Sight, whole: Sight | None = None) -> Receipt:
    """Whether an action took effect.

    Args:
        before: The target just before it.
        after: The target just after it.
        whole: For an action that mends: the target before it was broken.
    """
    sights = _Sights(target=action.target, before=before, after=after, whole=whole or before)
    findings = [finding for look in _LOOKS[action.verb] if (finding := look(sights)) is not None]
    proofs = tuple(finding.proof for finding in findings)
    against = [finding.against for finding in findings if finding.against]
    if against:
        return Receipt(proofs, bit=False, why="; ".join(against))
    unseen = [finding.unseen for finding in findings if finding.unseen]
    return Receipt(proofs, bit=None if unseen else True, why="; ".join(unseen))


def _ended(sights: _Sights) -> _Finding:
    was, now = sights.before.process, sights.after.process
    proof = Proof("process", _named(was), "gone" if now is None else _named(now))
    if was is None:
        return _Finding(proof, f"{sights.target} did not run before")
    if now is not None:
        still = "is still there" if now == was else "was replaced by another at once"
        return _Finding(proof, f"the process of {sights.target} {still}")
    return _Finding(proof)


def _began(sights: _Sights) -> _Finding:
    was, now = sights.whole.process, sights.after.process
    proof = Proof("process", _named(was), _named(now))
    if now is None:
        return _Finding(proof, f"{sights.target} does not run")
    if sights.before.process is not None or now == was:
        return _Finding(proof, f"{sights.target} ran already")
    return _Finding(proof)


def _stayed(sights: _Sights) -> _Finding:
    was, now = sights.before.process, sights.after.process
    proof = Proof("process", _named(was), _named(now))
    same = was is not None and was == now
    return _Finding(proof, "" if same else f"the process of {sights.target} is not the same as before")


def _state(frozen: bool) -> _Look:
    def compare(sights: _Sights) -> _Finding:
        was, now = sights.before.state == "paused", sights.after.state == "paused"
        proof = Proof("frozen", _yes(was), _yes(now))
        if was == now:
            return _Finding(proof, f"{sights.target} was {'' if was else 'not '}frozen, and still is")
        return _Finding(proof, "" if now == frozen else f"{sights.target} is {_state_word(now)}")

    return compare


def _reached(wanted: str) -> _Look:
    def compare(sights: _Sights) -> _Finding | None:
        was, now = sights.before.reach, sights.after.reach
        if now is None:
            return None
        proof = Proof("its port", _REACHES[was or "refused"], _REACHES[now])
        return _Finding(proof, "" if now == wanted else f"{sights.target} {_REACHES[now]} on its port")

    return compare


def _at_stake(sights: _Sights) -> _Finding | None:
    """How much was in Redis alone. That it was nothing does not speak against the fault."""
    if sights.target != "redis":
        return None
    memory = sights.before.memory
    count = "unknown" if memory is None else f"{memory.unwritten:,}"
    return _Finding(Proof("entries in Redis alone", count, "gone"))


def _new_memory(sights: _Sights) -> _Finding | None:
    """Whether Redis began anew. The epoch of its clock is lost with its memory."""
    if sights.target != "redis":
        return None
    was, now = sights.whole.memory, sights.after.memory
    counts = [f"{memory.keys:,}" if memory else "unknown" for memory in (was, now)]
    proof = Proof("keys", *counts)
    if was is None or now is None:
        return _Finding(proof, unseen="what Redis held could not be read")
    if was.epoch is None:
        return _Finding(proof, unseen="Redis held nothing before that could get lost")
    return _Finding(proof, "Redis still has its memory" if now.epoch == was.epoch else "")


def _same_memory(sights: _Sights) -> _Finding | None:
    """Whether Redis kept what it held while it was frozen."""
    if sights.target != "redis":
        return None
    was, now = sights.whole.memory, sights.after.memory
    epochs = [None if memory is None else memory.epoch for memory in (was, now)]
    proof = Proof("its memory", "there", "the same" if epochs[0] == epochs[1] else "another")
    if was is None or now is None:
        return _Finding(proof, unseen="what Redis held could not be read")
    return _Finding(proof, "" if epochs[0] == epochs[1] else "Redis lost its memory")


def _failing(wanted: bool) -> _Look:
    def compare(sights: _Sights) -> _Finding:
        was, now = bool(sights.before.failing), bool(sights.after.failing)
        proof = Proof("SIMULATE_DB_FAILURE", str(was).lower(), str(now).lower())
        if not wanted and not was:
            return _Finding(proof, "failures were off already")
        return _Finding(proof, "" if now == wanted else f"failures are {'on' if now else 'off'}")

    return compare


def _rows_failed(sights: _Sights) -> _Finding:
    # The total begins again from zero if Redis loses its memory.
    was, now = sights.before.failed, sights.after.failed
    proof = Proof("attempts to write that failed", f"{was:,}", f"{now:,}")
    return _Finding(proof, "" if now not in (was, 0) else "no attempt to write has failed")


def _named(process: Process | None) -> str:
    return "none" if process is None else f"pid {process.pid}"


def _yes(yes: bool) -> str:
    return "yes" if yes else "no"


def _state_word(frozen: bool) -> str:
    return "frozen" if frozen else "not frozen"


_REACHES: Final[Mapping[str, str]] = {
    "answers": "answers",
    "silent": "takes connections and does not answer",
    "refused": "refuses connections",
}
_LOOKS: Final[Mapping[Verb, Sequence[_Look]]] = {
    "kill": (_ended, _reached("refused"), _at_stake),
    "stop": (_ended, _reached("refused"), _at_stake),
    "start": (_began, _reached("answers"), _new_memory),
    "pause": (_stayed, _state(frozen=True), _reached("silent")),
    "resume": (_stayed, _state(frozen=False), _reached("answers"), _same_memory),
    "flushall": (_at_stake, _new_memory),
    "on": (_failing(wanted=True), _rows_failed),
    "off": (_failing(wanted=False),),
}
