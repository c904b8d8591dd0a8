"""What docs/faults.md shows can be typed, and it names every word of the language."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

from scenarios.faults.action import TARGETS
from scenarios.faults.language import VERBS
from scenarios.options import FAULTS

PAGE = (Path(__file__).parents[4] / "docs" / "faults.md").read_text()


def test_every_example_is_a_fault() -> None:
    lines = [shlex.split(line) for line in PAGE.splitlines() if line.startswith("labctl load")]
    given = [[after for word, after in pairwise(line) if word == "--fault"] for line in lines]
    assert all(FAULTS.parse(faults) for faults in given)
    assert len(given) == 3


def test_every_word_of_the_language_is_named() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert named >= {*TARGETS, *(verb for verbs in VERBS.values() for verb in verbs)}
