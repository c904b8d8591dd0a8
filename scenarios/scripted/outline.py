"""The steps of a script in words: their titles, and the commands that a person could have typed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from shlex import join
from typing import Any, Final

from scenarios.faults.language import parse_action
from scenarios.scripted.loads import choose_load
from scenarios.scripted.script import (
    ACTIONS,
    CONDITIONS,
    Ask,
    Cleanup,
    Create,
    Delete,
    Load,
    Script,
    Step,
    Update,
    Wait,
)
from scenarios.shell_commands import curl, labctl_for
from service.writebehind.setting import render

#: What stands for the id of a product that is not there yet.
UNKNOWN_ID: Final = "<id>"


@dataclass(frozen=True, slots=True)
class Address:
    """The lab that the commands are for."""

    name: str
    api_url: str


def action_of(step: Step | Cleanup) -> str:
    """The key of what a step does; empty if it only says something."""
    return next((name for name in ACTIONS if getattr(step, name, None) is not None), "")


def title_of(step: Step | Cleanup) -> str:
    """What an audience reads above the step."""
    part = getattr(step, action_of(step))
    return step.title or _title(action_of(step), part)


def _title(action: str, part: Any) -> str:
    match part:
        case Create():
            whose = "" if part.group is None else f" ({part.group})"
            return f"Create {_products(part.count)}{whose}{_together(part.clients)}"
        case Update():
            times = "" if part.count == 1 else f", {part.count:,} times"
            return f"Update {_target(part)}{times}{_together(part.clients)}"
        case Delete():
            return f"Delete {_target(part)}"
        case Wait():
            return f"Wait until {condition_in_words(part)}"
        case Load():
            return f"Load: {part.kind}"
        case Ask():
            return "A question"
        case _:
            return _plain_title(action, part)


def _plain_title(action: str, part: Any) -> str:
    match action:
        case "fault":
            return f"Fault: {part}"
        case "settings":
            return f"Change {', '.join(part)}"
        case "dead_letters":
            return "Put the dead letters back"
        case "check":
            return f"Check {', '.join(part)}"
        case _:
            raise AssertionError(action)


def _products(count: int) -> str:
    return "a product" if count == 1 else f"{count:,} products"


def _together(clients: int) -> str:
    return "" if clients == 1 else f", {clients} clients at once"


def _target(part: Update | Delete) -> str:
    return str(part.product) if part.of is None else f"the products of {part.of!r}"


def condition_in_words(part: Wait) -> str:
    """What is waited for, so that "waiting until …" goes before it."""
    name = next(name for name in CONDITIONS if getattr(part, name) is not None)
    value = getattr(part, name)
    nouns = {"queue": "queued", "inflight": "in flight", "retrying": "waiting for a retry"}
    match name:
        case "flushed":
            return "everything is flushed"
        case "rows_of":
            return f"PostgreSQL has the products of {value!r}"
        case "row":
            return f"PostgreSQL has {value}"
        case "worker":
            return f"the worker is {value}"
        case "service":
            return f"{value.name} is {value.state}"
        case "dead_letters":
            return f"there are {limits_in_words(value)} dead letters"
        case _:
            return f"{limits_in_words(value)} are {nouns[name]}"


def limits_in_words(limits: Any, unit: str = "") -> str:
    """ "5", "at least 5", "3 to 9 ms"."""
    behind = f" {unit}" if unit else ""
    if isinstance(limits, int):
        return f"{limits:,}{behind}"
    least, most = limits.at_least, limits.at_most
    if least is None:
        return f"at most {most:,}{behind}"
    if most is None:
        return f"at least {least:,}{behind}"
    return f"{least:,} to {most:,}{behind}"


def command_of(step: Step | Cleanup, lab: Address) -> str:
    """The command that a person could have typed; empty if there is none."""
    action = action_of(step)
    part = getattr(step, action)
    match part:
        case Create() | Update() | Delete():
            return _request(part, lab)
        case Wait():
            shows = "status" if part.worker or part.service else "queue show"
            return labctl_for(lab.name, shows)
        case Load():
            _, options = choose_load(part)
            return labctl_for(lab.name, join(["load", part.kind, *options.words()]))
        case Ask():
            return ""
        case _:
            return _plain_command(action, part, lab)


def _plain_command(action: str, part: Any, lab: Address) -> str:
    match action:
        case "fault":
            words = parse_action(part).command
        case "settings":
            words = f"config set {' '.join(_assignments(part))}"
        case "dead_letters":
            words = "dlq requeue"
        case "check":
            words = "queue show"
        case _:
            raise AssertionError(action)
    return labctl_for(lab.name, words)


def _request(part: Create | Update | Delete, lab: Address) -> str:
    url = f"{lab.api_url}/products"
    policy = part.policy or ""
    if isinstance(part, Create):
        return curl("POST", url, value_of(part, 1 if part.count > 1 else None), policy=policy)
    address = f"{url}/{part.product or UNKNOWN_ID}"
    if isinstance(part, Delete):
        return curl("DELETE", address, policy=policy)
    return curl("PUT", address, value_of(part, 1 if part.count > 1 else None), policy=policy)


def value_of(part: Create | Update, number: int | None) -> dict[str, Any]:
    """What is sent.

    Args:
        number: Follows the name; None: nothing does.
    """
    name = part.name if number is None else f"{part.name}-{number}"
    return {"name": name, "price": part.price, "quantity": part.quantity}


def _assignments(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        yield f"{name.upper()}={render(value)}"


def numbered_steps(script: Script) -> list[Step]:
    """The steps that do something: those that an audience sees numbered."""
    return [step for step in script.steps if action_of(step)]
