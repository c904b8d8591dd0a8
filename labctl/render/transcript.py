"""The part of the screen that scrolls: lines that fit, with space between what does not belong together."""

from typing import Final

from rich.console import Console
from rich.text import Text

from labctl.render.text.marks import marks_for
from labctl.render.text.printable import printable
from labctl.render.text.shell import prompted, wrap_command
from labctl.render.text.wrap import wrap

INDENT: Final = "   "
#: Wider than this, lines are hard to follow.
_WIDEST: Final = 100
_NARROWEST: Final = 24


class Transcript:
    """Writes to the one console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.marks = marks_for(console.encoding)
        #: The kind of what was written last, empty after air.
        self._last = "nothing yet"

    @property
    def width(self) -> int:
        return max(_NARROWEST, min(_WIDEST, self._console.width) - 1)

    @property
    def coloured(self) -> bool:
        """Whether colours can be seen."""
        return self._console.color_system is not None and not self._console.no_color

    def air(self) -> None:
        """Write an empty line, but never two in a row."""
        if self._last:
            self._last = ""
            self._console.print()

    def turn_to(self, kind: str) -> None:
        """Begin a line of this kind: lines of one kind stand together, another kind gets an empty line."""
        if self._last not in ("", kind):
            self.air()
        self._last = kind

    def write(self, *parts: str | tuple[str, str]) -> None:
        """Write one line, made of parts that each have a style."""
        self._last = self._last or "text"
        # Whatever is still too long runs on as the terminal likes: it can be copied in one piece.
        safe = [printable(p) if isinstance(p, str) else (printable(p[0]), p[1]) for p in parts]
        self._console.print(Text.assemble(*safe), soft_wrap=True)

    def drawn(self, line: str) -> None:
        """Write a line of a drawing, which may have colours of its own."""
        self._last = self._last or "text"
        self._console.print(Text.from_ansi(f"{INDENT}{line}"), soft_wrap=True)

    def hang(self, lead: str, lead_style: str, text: str, style: str = "") -> None:
        """Write a text beside its lead, with further lines below its beginning."""
        first, *rest = wrap(text, self.width - len(lead)) or [""]
        self.write((lead, lead_style), (first, style))
        for line in rest:
            self.write(" " * len(lead), (line, style))

    def paragraph(self, text: str, *, indent: str = INDENT, bullet: str = "", style: str = "") -> None:
        self.hang(indent + bullet, style, text, style)

    def heading(self, title: str) -> None:
        rule = self.marks.rule
        line = f"{rule * 2} {title} "
        self.air()
        self.write((line + rule * max(0, self.width - len(line)), "bold"))
        self.air()

    def rule(self) -> None:
        self.air()
        self.write((self.marks.rule * self.width, "bold"))

    def commands(self, script: str) -> None:
        """Write a script: each command after a prompt, its further lines indented."""
        for prompt, command in prompted(script):
            lead = prompt
            for line in wrap_command(command, self.width - len(INDENT) - len(prompt)):
                self.write((f"{INDENT}{lead}{line}", "cyan"))
                lead = "  "
