"""The scenario to begin with."""

import re
from importlib.resources import files

from scenarios.scripted.words import LONGEST_NAME, NAME_PATTERN


def is_name(word: str) -> bool:
    """Whether a scenario may be called so."""
    return len(word) <= LONGEST_NAME and re.fullmatch(NAME_PATTERN, word) is not None


def template(name: str, schema: str) -> str:
    """A commented scenario.

    Args:
        name: Its name.
        schema: Where the JSON Schema is, for editors.
    """
    text = (files("scenarios.scripted") / "template.yaml").read_text()
    return f"# yaml-language-server: $schema={schema}\n" + text.replace("NAME", name, 1)
