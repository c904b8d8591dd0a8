"""Makes text from elsewhere harmless in Markdown."""

import re
from typing import Final

from labctl.render.text.printable import printable

#: What GitHub gives a meaning: code, emphasis, links, HTML, tables, mentions, issues, formulas, the
#: beginning of a list or a heading, emoji and addresses. In the middle of a word, `_` has none.
_SPECIAL: Final = re.compile(
    r"[\\`*\[\]<>#|~@&$]|^[-+=>]|^\d+(?=[.)](?:\s|$))|(?<!\d):(?=[\w+-]+:|//)|(?<![^\W_])_|_(?![^\W_])|(?i:www)(?=\.)"
)


def visible(text: str) -> str:
    """The text with every control character and invisible mark replaced by something that shows; line ends
    stay."""
    return "\n".join(map(printable, text.split("\n")))


def escape(text: str) -> str:
    """Text on one line that Markdown shows as it is. Without spaces around it, it can't begin a block of
    code."""
    return _SPECIAL.sub(_escaped, visible(text.replace("\n", " ")).strip())


def _escaped(found: re.Match[str]) -> str:
    # As entities, the characters show and do nothing, inside of tables and HTML, too.
    return "".join(f"&#{ord(sign)};" for sign in found[0])
