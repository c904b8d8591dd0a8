"""The language of faults: `redis:kill@5s:start@7s`, `failures:on=30%@5s:off@10s`.

fault   = target ":" action { ":" action }
action  = verb [ "=" share ] [ "@" time ]
target  = redis | postgres | api | worker | failures
verb    = kill | stop | start | pause | resume      (of a service)
        | flushall                                  (of redis)
        | on | off                                  (of failures)
share   = "0.3" | "30%"                             (of on)
time    = "5s" | "500ms"                            (since the load began)
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal

from scenarios.faults.action import TARGETS, Action, Fault, Target, Verb
from scenarios.suggest import closest, either
from stack.errors import UsageError

_SERVICE: Final[tuple[Verb, ...]] = ("kill", "stop", "start", "pause", "resume")
VERBS: Final[Mapping[Target, tuple[Verb, ...]]] = {
    "redis": (*_SERVICE, "flushall"),
    "postgres": _SERVICE,
    "api": _SERVICE,
    "worker": _SERVICE,
    "failures": ("on", "off"),
}
#: Words that people try, and the lab's own word.
_SYNONYMS: Final[Mapping[str, str]] = {
    "unpause": "resume",
    "freeze": "pause",
    "crash": "kill",
    "restart": "kill@5s:start@7s",
    "flush": "flushall",
}
#: The network of a lab can't be cut: its processes share this machine's loopback.
_CUTS: Final = frozenset({"cut", "partition", "disconnect", "isolate", "drop"})

_State = Literal["up", "down", "paused"]
#: What each verb needs, and what it leads to.
_LEADS: Final[Mapping[Verb, tuple[frozenset[_State], _State]]] = {
    "kill": (frozenset({"up", "paused"}), "down"),
    "stop": (frozenset({"up", "paused"}), "down"),
    "start": (frozenset({"down"}), "up"),
    "pause": (frozenset({"up"}), "paused"),
    "resume": (frozenset({"paused"}), "up"),
    "flushall": (frozenset({"up"}), "up"),
    "on": (frozenset({"up"}), "down"),
    "off": (frozenset({"down"}), "up"),
}
_STATE_WORDS: Final[Mapping[_State, str]] = {"up": "runs", "down": "is down", "paused": "is paused"}
_FAILURE_WORDS: Final[Mapping[_State, str]] = {"up": "are off", "down": "are on", "paused": ""}
_ACTION: Final = re.compile(r"(?P<verb>[^@=]*)(?:=(?P<share>[^@]*))?(?:@(?P<time>.*))?", re.DOTALL)
_NUMBER: Final = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_TIME: Final = re.compile(rf"({_NUMBER})(s|ms)")
_SHARE: Final = re.compile(rf"({_NUMBER})(%?)")
#: Of times and shares.
_DECIMALS: Final = 9
_LONGEST: Final = 200


def parse_action(text: str) -> Action:
    """One action without a time: "redis:kill".

    Raises:
        UsageError: it is not one.
    """
    actions = _parse(text)
    if len(actions) != 1:
        raise _refusal(text, "it names several actions", "give one: redis:kill")
    if actions[0].at is not None:
        raise _refusal(text, "it happens at once, so it has no time", f"leave @{actions[0].at:g}s out")
    return actions[0]


def parse_fault(text: str) -> Fault:
    """A fault under a load: "redis:kill@5s:start@7s".

    Raises:
        UsageError: it is not one, an action has no time, or one can't follow another.
    """
    actions = _parse(text)
    for action in actions:
        if action.at is None:
            raise _refusal(text, f"{action.verb} has no time", f"say when: {action}@5s")
    fault = Fault(actions)
    for one, following in pairwise(actions):
        if (following.at or 0.0) <= (one.at or 0.0):
            raise _refusal(
                text, f"{following.words} does not come after {one.words}", "give the times in their order"
            )
    require_possible([fault])
    return fault


def require_possible(faults: Sequence[Fault]) -> None:
    """Raises UsageError where an action can't follow the one before it, over all faults of a target."""
    for target in TARGETS:
        actions = [action for fault in faults for action in fault.actions if action.target == target]
        state: _State = "up"
        previous: Action | None = None
        for action in sorted(actions, key=lambda one: one.at or 0.0):
            if previous is not None and previous.at == action.at:
                raise _refusal(str(action), f"{previous} comes at the same time", "give them different times")
            needed, following = _LEADS[action.verb]
            if state not in needed:
                raise _refusal(str(action), _why_not(action, state), _instead(action, state))
            state, previous = following, action


def require_within(faults: Iterable[Fault], seconds: float) -> None:
    """Raises UsageError where an action comes after the end of a load of this length, s."""
    for fault in faults:
        for action in fault.actions:
            if action.at is not None and action.at >= seconds:
                raise _refusal(
                    str(fault),
                    f"{action.words} comes after the end of a load of {seconds:g} s",
                    f"give a time below {seconds:g}s, or a longer --duration",
                )


def _parse(text: str) -> tuple[Action, ...]:
    name, colon, rest = text[:_LONGEST].partition(":")
    target = next((one for one in TARGETS if one == name), None)
    if target is None:
        raise _refusal(
            text, f"there is no target {name!r}", _suggest(name, TARGETS) or f"choose {either(TARGETS)}"
        )
    if not colon or not rest:
        raise _refusal(text, "it does not say what happens", f"say what: {target}:{VERBS[target][0]}@5s")
    return tuple(_parse_action(text, target, part) for part in rest.split(":"))


def _parse_action(text: str, target: Target, part: str) -> Action:
    match = _ACTION.fullmatch(part)
    word, share, time = match.group("verb", "share", "time") if match else (part, None, None)
    verb = _verb(text, target, word)
    if share is not None and verb != "on":
        raise _refusal(text, f"{verb} takes no value", f"leave ={share} out")
    return Action(
        target=target,
        verb=verb,
        at=None if time is None else _time(text, time),
        share=None if share is None else _share(text, share),
    )


def _verb(text: str, target: Target, word: str) -> Verb:
    for verb in VERBS[target]:
        if verb == word:
            return verb
    if word in _CUTS:
        raise _refusal(
            text,
            "the network of a lab can't be cut",
            f"{target}:pause is the nearest: its connections stay open and unanswered",
        )
    meant = _SYNONYMS.get(word)
    hint = f"did you mean {target}:{meant}?" if meant else _suggest(word, VERBS[target], f"{target}:")
    raise _refusal(text, f"{word!r} is not an action of {target}", hint or f"choose {either(VERBS[target])}")


def _time(text: str, word: str) -> float:
    match = _TIME.fullmatch(word)
    if match is None:
        meant = f"@{word}s" if re.fullmatch(_NUMBER, word) else "@5s or @500ms"
        raise _refusal(text, f"{word!r} is not a time", f"give seconds or milliseconds: {meant}")
    seconds = round(float(match[1]) / (1000 if match[2] == "ms" else 1), _DECIMALS)
    if seconds <= 0:
        raise _refusal(text, f"{word!r} is not after the beginning", "give a time above 0, such as @5s")
    return seconds


def _share(text: str, word: str) -> float:
    match = _SHARE.fullmatch(word)
    share = round(float(match[1]) / (100 if match[2] else 1), _DECIMALS) if match else math.nan
    if not 0 < share <= 1:
        raise _refusal(text, f"{word!r} is not a share of the writes", "give 30% or 0.3, up to 100%")
    return share


def _why_not(action: Action, state: _State) -> str:
    words = _FAILURE_WORDS if action.target == "failures" else _STATE_WORDS
    return f"{action.target} {words[state]} at that time"


def _instead(action: Action, state: _State) -> str:
    can = [verb for verb in VERBS[action.target] if state in _LEADS[verb][0]]
    return f"what can follow is {either(can)}"


def _suggest(word: str, known: Sequence[str], before: str = "") -> str:
    close = closest(word, known)
    return f"did you mean {before}{close[0]}?" if close else ""


def _refusal(text: str, why: str, hint: str) -> UsageError:
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return UsageError(f"the fault {shown!r} can't be injected: {why}", hint=hint)
