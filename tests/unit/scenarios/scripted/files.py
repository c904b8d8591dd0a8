"""A scenario file that uses the whole format, and what is wrong with many others."""

from dataclasses import dataclass
from typing import Final

GOOD: Final = """\
name: whole-format
title: The whole format
summary: Everything that a scenario can say.
steps:
  - narrate: Welcome.
  - title: Ten of them
    create: {count: 10, clients: 2, group: safe, name: Safe, price: 9.99, quantity: 1, policy: write_behind}
  - update: {of: safe, count: 2, group: newer}
  - update: {product: seed-001, group: newer}
  - delete: {product: seed-002}
  - settings: {coalescing_window_ms: 100, write_coalescing_enabled: true}
  - wait: {queue: {at_least: 1, at_most: 5}, timeout_s: 2.5}
  - wait: {dead_letters: 0}
  - wait: {rows_of: safe}
  - wait: {row: seed-001}
  - wait: {worker: idle}
  - wait: {service: {name: redis, state: healthy}}
  - wait: {flushed: true}
  - fault: failures:on=30%
  - fault: failures:off
  - dead_letters: requeue
  - load: {duration: 2, rate: 50, clients: 2, mix: 'create=1,update=1', fault: ['worker:kill@1s']}
  - check: {coalesced: {at_least: 0}, accepted: 33}
  - ask: {question: 'How many?', choices: [one, two]}
    matters: It does.
expect:
  validity: valid
  fates:
    all: {lost: 0, persisted: {at_least: 10}}
    newer: {superseded: 20}
  refused: 0
  unknown: {at_most: 1}
  totals: {coalesced: {at_least: 1}}
  acknowledgement:
    all: {p50_ms: {at_most: 10.5}, p99_ms: {at_most: 100}}
  persist_lag:
    safe: {max_ms: {at_most: 2000}}
cleanup:
  - delete: {of: safe}
  - fault: worker:start
conclusion: All is well.
"""


@dataclass(frozen=True, slots=True)
class Bad:
    """A change that makes the good file bad."""

    old: str
    new: str
    #: Where the problem is, and a part of the message and the hint.
    line: int
    column: int
    told: str
    #: Whether a schema can express it: then an editor must see it, too.
    shape: bool = True


_STEP: Final = "  - narrate: Welcome.\n"


def _step(text: str, column: int, told: str, *, shape: bool = True) -> Bad:
    """The first step is replaced."""
    return Bad(_STEP, f"  - {text}\n", 5, column, told, shape)


BAD: Final = {
    "an unknown key": _step("craete: {count: 1}", 5, "'craete' is not a key here; did you mean 'create'?"),
    "an unknown key of a part": _step("create: {cuont: 1}", 14, "did you mean 'count'?"),
    "a missing name": Bad("name: whole-format\n", "", 1, 1, "'name' is missing; add `name:`"),
    "no steps": Bad("title: The whole format\nsummary:", "title: x\nstepz: []\nsummary:", 3, 1, "'stepz'"),
    "a word for a number": _step("create: {count: many}", 21, "expected a whole number, not the text 'many'"),
    "a fraction of a product": _step("create: {count: 1.5}", 21, "1.5 is not a whole number"),
    "too many": _step("create: {count: 10001}", 21, "10001 is out of range; give 1 to 10,000"),
    "none": _step("create: {count: 0}", 21, "0 is out of range"),
    "a number for a text": _step(
        "create: {name: 5}", 20, "expected text, not the number 5; put it in quotes"
    ),
    "true for a number": _step("create: {count: true}", 21, "expected a whole number, not true"),
    "a list for a mapping": _step("create: [1]", 13, "expected a mapping, not a list"),
    "nothing for a mapping": _step("create:", 12, "expected a mapping, not nothing"),
    "nothing for a text": _step("narrate:", 13, "expected text, not nothing"),
    "an empty text": _step("narrate: ''", 14, "the text is empty"),
    "a group with a slash": _step("create: {group: a/b}", 21, "'a/b' is not allowed here; use letters"),
    "an id that leads elsewhere": _step("delete: {product: ../admin}", 23, "'../admin' is not allowed here"),
    "the parent as an id": _step("delete: {product: ..}", 23, "'..' is not allowed here"),
    "a price below zero": _step("create: {price: -1}", 21, "-1 is out of range"),
    "a price that is no number": _step(
        "create: {price: .nan}", 21, "'.nan' can be read in several ways", shape=False
    ),
    "an endless price": _step("create: {price: .inf}", 21, "can be read in several ways", shape=False),
    "a huge number": _step(f"create: {{count: 1{'0' * 60}}}", 21, "18 digits at most"),
    "an octal number": _step("create: {count: 0777}", 21, "can be read in several ways", shape=False),
    "a policy": _step("create: {policy: write_thru}", 22, "did you mean 'write_through'?"),
    "two actions": _step("{create: {count: 1}, fault: 'worker:stop'}", 26, "the step has 'create' already"),
    "no action": _step("title: x", 5, "the step does nothing; give one of create, update"),
    "a title for words": _step("{title: x, narrate: y}", 6, "only a step that does something has a title"),
    "a fault": _step("fault: redis:explode", 12, "'redis:explode' is not allowed here; write target:verb"),
    "a fault with a time": _step("fault: redis:kill@5s", 12, "is not allowed here"),
    "a share": _step("fault: failures:on=300%", 5, "is not a share", shape=False),
    "a start of what runs": _step("fault: worker:start", 5, "worker runs at that time", shape=False),
    "a setting": _step("settings: {window_ms: 5}", 16, "'window_ms' is not a live setting; did you mean"),
    "a setting's value": _step("settings: {batch_size: 0}", 16, "batch_size: "),
    "a setting that is a fault": _step("settings: {failure_rate: 1}", 16, "'failure_rate' is a fault"),
    "no setting": _step("settings: {}", 5, "no setting is changed"),
    "a wait for nothing": _step("wait: {timeout_s: 5}", 5, "it waits for nothing; give one of flushed"),
    "a wait for two things": _step("wait: {queue: 0, row: seed-001}", 22, "it waits for 'queue' already"),
    "a wait for ever": _step("wait: {queue: 0, timeout_s: 1e6}", 33, "out of range"),
    "a sleep": _step("wait: {seconds: 5}", 12, "'seconds' is not a key here", shape=True),
    "limits without a limit": _step("wait: {queue: {}}", 12, "it has no limit"),
    "limits that exclude each other": _step(
        "wait: {queue: {at_least: 5, at_most: 1}}",
        12,
        "at_least 5 is above at_most 1; swap them",
        shape=False,
    ),
    "a state": _step("wait: {worker: asleep}", 20, "the text 'asleep' is not allowed here; give one of"),
    "a group that comes later": _step("wait: {rows_of: safe}", 12, "no step before has created", shape=False),
    "a group that is never made": _step("delete: {of: saef}", 14, "create some first", shape=False),
    "a group and a product": _step("delete: {of: safe, product: seed-001}", 5, "a group and a product"),
    "no products": _step("update: {count: 2}", 5, "it names no products; give either"),
    "the group of all": _step("create: {group: all}", 14, "stands for all writes", shape=False),
    "the group of a load's hold": _step("create: {group: hold}", 14, "of a load", shape=False),
    "a load without its option": _step(
        "load: {kind: quick, duration: 5}", 5, "`load quick` has no duration", shape=False
    ),
    "a load that contradicts itself": _step(
        "load: {rate: 5, writes_per_second: 5}", 5, "rate and writes_per_second contradict", shape=False
    ),
    "a load's fault": _step("load: {fault: ['redis:kill']}", 5, "kill has no time", shape=False),
    "a total": _step("check: {coalesecd: 5}", 13, "'coalesecd' is not a total; did you mean 'coalesced'?"),
    "no total": _step("check: {}", 5, "nothing is checked"),
    "a program": _step("run: rm -rf /", 5, "'run' is not a key here"),
    "an include": _step("include: other.yaml", 5, "'include' is not a key here"),
    "a duplicate key": _step(
        "{narrate: a, narrate: b}", 18, "'narrate' is given twice; first in line 5", shape=False
    ),
    "a number as a key": _step("{1: a}", 6, "a key must be a word", shape=False),
    "a fate": Bad("lost: 0, persisted", "lots: 0, persisted", 29, 11, "did you mean 'lost'?"),
    "a fate of a group that is not there": Bad(
        "    newer: {", "    never: {", 30, 5, "no step writes the group 'never'", shape=False
    ),
    "nothing expected": Bad("newer: {superseded: 20}", "newer: {}", 30, 5, "nothing is expected of it"),
    "a validity": Bad("validity: valid", "validity: true", 27, 13, "true is not allowed here; give"),
    "a percentile": Bad("p50_ms", "p42_ms", 35, 11, "did you mean"),
    "a clean-up that breaks": Bad(
        "fault: worker:start", "fault: worker:kill", 40, 5, "a clean-up mends", shape=False
    ),
    "a clean-up that creates": Bad(
        "  - delete: {of: safe}\n  -", "  - create: {}\n  -", 39, 5, "'create' is not a key here"
    ),
    "a built-in name": Bad(
        "name: whole-format", "name: data-loss", 1, 1, "'data-loss' is a built-in scenario", shape=False
    ),
    "a name with a space": Bad(
        "name: whole-format", "name: whole format", 1, 7, "use small letters, digits and dashes"
    ),
    "an anchor": Bad("name: whole-format", "name: &n whole-format", 1, 7, "anchors and aliases", shape=False),
    "a tag": Bad("name: whole-format", "name: !!str whole-format", 1, 7, "the tag", shape=False),
    "a tag that builds an object": Bad(
        "name: whole-format", "name: !!python/object:os.system x", 1, 7, "the tag", shape=False
    ),
    "an indentation": Bad(
        "  - narrate: Welcome.", "   - narrate: Welcome.", 6, 3, "this is not YAML", shape=False
    ),
    "a tab": Bad(
        "  - narrate: Welcome.", "\t- narrate: Welcome.", 5, 1, "with spaces, not with tabs", shape=False
    ),
    "a second document": Bad(
        "conclusion: All is well.", "---\nname: x", 41, 1, "a second document", shape=False
    ),
}
