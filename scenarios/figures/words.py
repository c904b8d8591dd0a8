"""Figures and differences as people read them."""

from scenarios.figures.names import About


def amount(about: About, value: float) -> str:
    """A figure with its unit: "18.4 ms", "1.52 s", "3 writes", "812 writes/s"."""
    if about.kind == "time":
        factor, unit = _scale(value)
        return f"{_digits(value / factor)} {unit}"
    unit = about.unit[:-1] if value == 1 and about.kind == "count" else about.unit
    return f"{_plain(value)} {unit}"


def cell(about: About, value: float) -> str:
    """The same in a table, where the figure's name says what is counted: "18.4 ms", "3"."""
    return amount(about, value) if about.kind == "time" else _plain(value)


def difference(about: About, before: float, after: float) -> str:
    """By how much `after` exceeds `before`, with its sign: "+6.3 ms", "-3", "0 ms"."""
    return f"{_sign(after - before)}{cell(about, abs(after - before))}"


def limits(about: About, low: float, high: float) -> str:
    """An interval of differences: "-0.48 to +6.3 ms"."""
    if about.kind != "time":
        return f"{_sign(low)}{_plain(abs(low))} to {_sign(high)}{_plain(abs(high))}"
    factor, unit = _scale(max(abs(low), abs(high)))
    low, high = low / factor, high / factor
    return f"{_sign(low)}{_digits(abs(low))} to {_sign(high)}{_digits(abs(high))} {unit}"


def percent(share: float) -> str:
    """A change: "+52 %", "-3.1 %"."""
    return f"{100 * share:+.0f} %" if abs(share) >= 0.1 else f"{100 * share:+.1f} %"


def _scale(ms: float) -> tuple[float, str]:
    """The unit that suits a time, and how many ms it has."""
    if abs(ms) < 1:
        return 0.001, "µs"
    return (1.0, "ms") if abs(ms) < 1_000 else (1_000.0, "s")


def _sign(value: float) -> str:
    return "+" if value > 0 else "-" if value < 0 else ""


def _plain(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:,.1f}"


def _digits(value: float) -> str:
    """About three digits."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}"
