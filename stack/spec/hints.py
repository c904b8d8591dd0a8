"""Commands of labctl in hints.

An error often does not know for which lab its hint will be read. So a hint names a command through `labctl`,
which leaves room for the lab's name, and whoever shows the hint fills it in with `for_lab`.

Example:
    raise NotRunning("redis does not run", hint=f"start it with {labctl('up')}")
"""

from typing import Final

from stack.spec.names import DEFAULT_NAME

#: Where the option that names the lab belongs.
_LAB_OPTION: Final = "{--name}"


def labctl(words: str) -> str:
    """A command of labctl, in backticks, for the lab that the hint will be read for.

    Args:
        words: The command and its arguments: "logs worker".
    """
    return f"`labctl {_LAB_OPTION}{words}`"


def for_lab(hint: str, name: str) -> str:
    """The hint as it is read for the lab of that name: only another lab than the default one is named."""
    return hint.replace(_LAB_OPTION, "" if name == DEFAULT_NAME else f"--name {name} ")
