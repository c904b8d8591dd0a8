"""How a scenario asks whoever watches: it can't read a terminal itself."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

#: Asks a question with these choices, or for any answer if there are none. Returns the answer; None: there is
#: no one to ask.
Asker: TypeAlias = Callable[[str, Sequence[str]], str | None]
