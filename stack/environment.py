"""What is let through of the environment that labctl was called in. The one place that says so.

Everything else is left behind, because it would steer some program behind the lab's back: `PG*`,
`PYTHON*`, `LD_*`, `K6_*`, `RQ_*`, `GRANIAN_*`, `REDISCLI_AUTH`, proxies, certificates, locales, and the lab's
own settings, which come from its state alone. What files in the caller's home say (`.psqlrc`, `.redisclirc`,
k6's config.json) goes the same way: children have another home.
"""

from collections.abc import Mapping
from typing import Final

#: For labctl itself: how it finds files and programs, what it writes on, and which engine the user chose.
_OWN: Final = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ"),
        *("LANG", "LANGUAGE", "TERM", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"),
        *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"),
        # What a shell asks with when it completes a command.
        *("COMP_WORDS", "COMP_CWORD"),
    }
)
_OWN_PREFIXES: Final = ("LABCTL_", "_LABCTL_", "_TYPER_", "LC_", "XDG_")
#: For its children: where programs lie, and the clock on the wall.
_CHILDREN: Final = frozenset({"PATH", "TMPDIR", "TZ"})
#: A home without configuration files, messages in one language, and text that is UTF-8 everywhere.
_FIXED: Final = {
    # Debian's home of those who have none: no file there says anything.
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "PGCLIENTENCODING": "UTF8",
    "PYTHONUTF8": "1",
    "PYTHONSAFEPATH": "1",
    "PYTHONUNBUFFERED": "1",
}


def own(env: Mapping[str, str]) -> dict[str, str]:
    """For labctl's own process."""
    return {
        name: value
        for name, value in env.items()
        if name in _OWN or name.startswith(_OWN_PREFIXES) or _is_tracing(name)
    }


def children(env: Mapping[str, str]) -> dict[str, str]:
    """For a process of the lab, or a program that labctl runs; `env` is labctl's own."""
    kept = {name: value for name, value in env.items() if name in _CHILDREN or _is_tracing(name)}
    return {**kept, **_FIXED}


def _is_tracing(name: str) -> bool:
    """The standard settings of OpenTelemetry are settings of the lab; those of its Python parts are not."""
    return name.startswith("OTEL_") and not name.startswith("OTEL_PYTHON_")
