"""Figures and differences as people read them."""

from scenarios.figures.names import About


def amount(about: About, value: float) -> str:
    """A figure with its unit: "18.4 ms", "1.52 s", "3 writes", "812 writes/s"."""
    if about.kind == "time":
        return milliseconds(value)
    unit = about.unit[:-1] if value == 1 and about.kind == "count" else about.unit
    return f"{_plain(value)} {unit}"


def milliseconds(value: float) -> str:
    """A time in the unit that suits it."""
    for factor, unit in ((0.001, "µs"), (1.0, "ms")):
        if abs(value) < 1_000 * factor:
            return f"{_digits(value / factor)} {unit}"
    return f"{_digits(value / 1_000)} s"


def percent(share: float) -> str:
    """A change: "+52 %", "-3.1 %"."""
    return f"{100 * share:+.0f} %" if abs(share) >= 0.1 else f"{100 * share:+.1f} %"


def _plain(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:,.1f}"


def _digits(value: float) -> str:
    size = abs(value)
    return (
        f"{value:,.0f}"
        if size >= 100 or value == int(value)
        else f"{value:.1f}"
        if size >= 10
        else f"{value:.2f}"
    )
