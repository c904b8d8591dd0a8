"""Which variables of the caller's environment labctl and its children see.

Everything that is not allowed here is dropped, because it could change how the lab's programs behave: `PG*`,
`PYTHON*`, `LD_*`, `K6_*`, `RQ_*`, `GRANIAN_*`, `REDISCLI_AUTH`, proxies, certificates, locales, and the lab's
own settings, which come only from its state. Files in the caller's home (`.psqlrc`, `.redisclirc`, k6's
config.json) are out of reach as well: children have another home.
"""

from collections.abc import Mapping
from typing import Final

#: For labctl itself: where files and programs are, what the terminal can do, and which engine to use.
_OWN: Final = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ"),
        *("LANG", "LANGUAGE", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR"),
        *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"),
        # `labctl open` starts a browser.
        *("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"),
        # Shell completion asks through these.
        *("COMP_WORDS", "COMP_CWORD"),
    }
)
_OWN_PREFIXES: Final = ("LABCTL_", "_LABCTL_", "_TYPER_", "LC_", "XDG_")
_SIZES: Final = range(10, 1001)
#: For its children: where to find programs, and the time zone.
_CHILDREN: Final = frozenset({"PATH", "TMPDIR", "TZ"})
#: A home without configuration files, messages in one language, and text that is UTF-8 everywhere.
_FIXED: Final = {
    # Debian's home for users without a home. It holds no configuration files.
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "PGCLIENTENCODING": "UTF8",
    "PYTHONUTF8": "1",
    "PYTHONSAFEPATH": "1",
    "PYTHONUNBUFFERED": "1",
}


def own(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of labctl's own process."""
    return {
        name: value
        for name, value in env.items()
        if name in _OWN or name.startswith(_OWN_PREFIXES) or _is_tracing(name) or _is_size(name, value)
    }


def children(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of the lab's processes and of programs that labctl runs; `env` is labctl's own."""
    kept = {name: value for name, value in env.items() if name in _CHILDREN or _is_tracing(name)}
    return {**kept, **_FIXED}


def _is_size(name: str, value: str) -> bool:
    """Whether this is a plausible screen size: with a huge one, printing help would take minutes."""
    return name in ("COLUMNS", "LINES") and value.isascii() and value.isdigit() and int(value[:5]) in _SIZES


def _is_tracing(name: str) -> bool:
    """Whether it is a standard setting of OpenTelemetry, not one of its Python SDK: the lab follows it."""
    return name.startswith("OTEL_") and not name.startswith("OTEL_PYTHON_")
