"""The live picture of a running load, as large as the screen allows."""

from collections import deque
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from labctl.render.text.figures import duration, figure
from labctl.render.text.marks import Marks
from scenarios.events import LoadSampled

#: Rows of the full picture with its air, and of the one without. Smaller screens get two lines.
_ROOMY: Final = 16
_DENSE: Final = 12
_BAR_MAX: Final = 48
_HISTORY: Final = 240


class LoadPanel:
    """Shows the last sample, and how the throughput came to it."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._last: LoadSampled | None = None
        self._rates: deque[float] = deque(maxlen=_HISTORY)

    def update(self, sample: LoadSampled) -> None:
        self._last = sample
        self._rates.append(sample.requests_per_second)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._last is None:
            return
        # One row stays free below: a frame as tall as the screen would scroll it.
        height, width = console.size.height - 2, options.max_width
        lines = self._tall(self._last, width, roomy=height >= _ROOMY) if height >= _DENSE else []
        for line in lines or self._short(self._last):
            line.truncate(width - 1, overflow="crop")
            yield line

    def _tall(self, sample: LoadSampled, width: int, *, roomy: bool) -> list[Text]:
        air = [Text("")] if roomy else []
        errors = "bold red" if sample.errors else "bold"
        return [
            *air,
            self._progress(sample, width),
            *air,
            self._row("requests/s", sample.requests_per_second, "", trend=width - 36),
            *air,
            *self._both(sample),
            *air,
            self._row("requests", sample.requests, _waiting(sample)),
            self._row("errors", sample.errors, "", style=errors),
            self._row("queue depth", sample.queue_size, ""),
            self._row("coalesced", sample.coalesced, ""),
            self._row("flushed", sample.flush_rate, "rows/s"),
        ]

    def _both(self, sample: LoadSampled) -> list[Text]:
        """Writes and, where there are any, reads beside them."""
        rows = (
            ("writes/s", sample.writes_per_second, sample.reads_per_second, "", "reads/s"),
            ("latency p50", sample.p50_ms, sample.read_p50_ms, "ms", "reads"),
            ("        p95", sample.p95_ms, sample.read_p95_ms, "ms", ""),
            ("        p99", sample.p99_ms, sample.read_p99_ms, "ms", ""),
        )
        lines = []
        for label, write, read, unit, beside in rows:
            line = self._row(label, write, f"{unit:<2}")
            if sample.read_p50_ms:
                line.append(f"   {beside:<8}").append(f"{figure(read):>12}", "bold").append(f" {unit}")
            lines.append(line)
        return lines

    def _short(self, sample: LoadSampled) -> list[Text]:
        rate, latency = figure(sample.requests_per_second), figure(sample.p99_ms)
        when = f"{duration(sample.elapsed)} {sample.phase}"
        return [
            Text(f"{when}  {rate} requests/s  p99 {latency} ms", style="bold"),
            Text(f"errors {figure(sample.errors)}  queue {figure(sample.queue_size)}  {_waiting(sample)}"),
        ]

    def _row(self, label: str, value: float, unit: str, *, style: str = "bold", trend: int = 0) -> Text:
        line = Text.assemble(f"   {label:<14}", (f"{figure(value):>12}", style), f" {unit}")
        if trend > 0:
            line.append("  ").append(self._trend(trend), style="cyan")
        return line

    def _progress(self, sample: LoadSampled, width: int) -> Text:
        line = Text.assemble("   ", (f"{sample.phase:<10}", "bold"), " ")
        if sample.duration <= 0:
            return line.append(duration(sample.elapsed))
        share = min(1.0, sample.elapsed / sample.duration)
        length = max(8, min(_BAR_MAX, width - 36))
        full = round(share * length)
        line.append(self._marks.bar * full, style="cyan").append(self._marks.track * (length - full))
        return line.append(f"  {duration(sample.elapsed)} of {duration(sample.duration)}")

    def _trend(self, length: int) -> str:
        rates = list(self._rates)[-length:]
        top = max(rates, default=0.0) or 1.0
        steps = self._marks.steps
        return "".join(steps[min(len(steps) - 1, int(rate / top * len(steps)))] for rate in rates)


def _waiting(sample: LoadSampled) -> str:
    return f"{figure(sample.backlog)} more wait for a connection" if sample.backlog else ""
