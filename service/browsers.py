"""What browsers may ask of the lab. Any page on the web can make the browser of whoever opens it send
requests to this machine, so the API looks at where a request comes from:

- **DNS rebinding**: a page from evil.example may have its name resolved to 127.0.0.1, and then counts as
  the lab's own. Its requests still name evil.example as their `Host`. Only names that can't be an attacker's
  are answered for.
- **Cross-site requests**: browsers say where a request comes from (`Origin`, `Sec-Fetch-Site`), and pages
  can't change that. Other sites may link to the lab, and nothing else. No answer ever carries a CORS header.
- **The lab's own page** may look. It may change something only if the lab was started with
  `--allow-ui-control`.

Programs such as curl send none of these headers, and may do all that they could do before.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

Headers = Iterable[tuple[bytes, bytes]]

_HOST: Final = b"host"
_ORIGIN: Final = b"origin"
_SITE: Final = b"sec-fetch-site"
_MODE: Final = b"sec-fetch-mode"
_LOOKED_AT: Final = frozenset({_HOST, _ORIGIN, _SITE, _MODE})
#: Methods that change nothing.
_READING: Final = frozenset({"GET", "HEAD"})
#: Where a request comes from that no other page caused: the lab's own, or the address bar.
_OWN_SITES: Final = frozenset({b"same-origin", b"none"})
#: Names of the API that are the same in every lab. The last is this machine, seen from Docker's containers.
_EVERY_LABS: Final = ("localhost", "api", "host.docker.internal")
_AUTHORITY: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?", re.IGNORECASE)


class Misdirected(Exception):
    """The request is for another host than the lab (421)."""


class Forbidden(Exception):
    """The request comes from a page that may not make it (403)."""


class BrowserGuard:
    """Decides which requests are answered at all."""

    def __init__(self, names: Iterable[str] = (), *, control: bool = False) -> None:
        """
        Args:
            names: What the API is called, beside `localhost`, addresses and the names of its service.
            control: Whether the lab's own page may change something.
        """
        known = frozenset(name.lower() for name in (*_EVERY_LABS, *names) if name)
        self._control = control
        # The same few hosts come with every request.
        self._is_known = lru_cache(maxsize=64)(lambda host: _is_known(host, known))

    def check(self, method: str, headers: Headers) -> None:
        """Let the request pass, or refuse it.

        Args:
            headers: Their names in lower case.

        Raises:
            Misdirected: its `Host` is not one of the lab's.
            Forbidden: a page caused it that may not.
        """
        looked_at = [header for header in headers if header[0] in _LOOKED_AT]
        for name, value in looked_at:
            if name == _HOST and not self._is_known(value):
                raise Misdirected(
                    f"the lab does not answer for the host {value.decode('latin-1')!r}; "
                    "use http://127.0.0.1 or http://localhost with its port"
                )
        # Most requests come from programs.
        if any(name != _HOST for name, _ in looked_at):
            self._check_page(method, looked_at)

    def _check_page(self, method: str, headers: list[tuple[bytes, bytes]]) -> None:
        """The same for a request that a browser sent."""
        given = dict(headers)
        own = {scheme + given.get(_HOST, b"").lower() for scheme in (b"http://", b"https://")}
        if any(name == _ORIGIN and value.lower() not in own for name, value in headers):
            raise Forbidden("requests that pages of other sites make are refused")
        follows_a_link = method in _READING and given.get(_MODE) == b"navigate"
        if given.get(_SITE, b"none") not in _OWN_SITES and not follows_a_link:
            raise Forbidden("requests that pages of other sites make are refused")
        if method not in _READING and not self._control:
            raise Forbidden(
                "from a browser, this lab can only be looked at; `labctl up --allow-ui-control` lets its "
                "page change settings and inject faults"
            )


def _is_known(host: bytes, names: frozenset[str]) -> bool:
    """Whether an attacker can't have chosen this `Host`. What is an address was not resolved from a name."""
    authority = _AUTHORITY.fullmatch(host.decode("latin-1"))
    if authority is None:
        return False
    name = (authority[1] or authority[2]).lower().removesuffix(".")
    return name in names or name.endswith(".localhost") or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
