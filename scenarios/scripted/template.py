"""The scenario to begin with."""

import re
from importlib.resources import files
from typing import Final

#: What a scenario may be called.
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def template(name: str, schema: str) -> str:
    """A commented scenario.

    Args:
        name: Its name.
        schema: Where the JSON Schema is, for editors.
    """
    text = (files("scenarios.scripted") / "template.yaml").read_text()
    return f"# yaml-language-server: $schema={schema}\n" + text.replace("NAME", name, 1)
