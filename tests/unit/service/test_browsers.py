"""Which requests are answered at all: hosts, origins, and what browsers say of where a request comes from."""

from itertools import product

import pytest

from service.browsers import BrowserGuard, Forbidden, Misdirected

OWN = "127.0.0.1:8000"
CHANGING = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def check(method: str, host: str | None = OWN, *, control: bool = False, **headers: str) -> str:
    """ "" if the request is answered, else what is raised."""
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    if host is not None:
        given.append((b"host", host.encode()))
    guard = BrowserGuard(["192.0.2.7", "own-api", "Box"], control=control)
    try:
        guard.check(method, given)
    except (Misdirected, Forbidden) as error:
        return type(error).__name__
    return ""


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            OWN,
            "127.9.9.9:1",
            "localhost",
            "localhost:8000",
            "LOCALHOST:8000",
            "localhost.:8000",
        ),
        *("lab.localhost:8000", "[::1]", "[::1]:8000", "192.0.2.7:80", "10.1.2.3:8000", "0.0.0.0:8000"),
        *("api:8000", "own-api:8000", "box:8000", "host.docker.internal:8000"),
    ],
)
def test_hosts_that_no_attacker_can_choose_are_answered_for(host: str) -> None:
    assert check("GET", host) == ""
    assert check("POST", host) == ""
    assert check("GET", host, sec_fetch_site="same-origin") == ""


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example:8000",
            "localhost.evil.example",
            "evil",
        ),
        *(
            "xlocalhost",
            "127.0.0.1:8000.evil.example",
            "127.0.0.1@evil.example",
            "evil.example/127.0.0.1",
            "",
        ),
        *("[::1", "::1", "127.0.0.1:", "127.0.0.1:8000:8000", " 127.0.0.1", "127.1", "0x7f000001", "\xff"),
        *("127.0.0.1,evil.example", "[evil.example]", "localhost..", "api.evil.example:8000"),
    ],
)
def test_any_other_host_is_refused_to_everybody(host: str) -> None:
    for method, control in product(("GET", "HEAD", *CHANGING), (False, True)):
        assert check(method, host, control=control) == "Misdirected"
        # Such a page counts as the lab's own: only its name gives it away.
        own = {"sec_fetch_site": "same-origin", "origin": f"http://{host}"}
        assert check(method, host, control=control, **own) == "Misdirected"


def test_each_of_several_hosts_counts() -> None:
    guard = BrowserGuard()
    for hosts in ((b"localhost", b"evil.example"), (b"evil.example", b"localhost")):
        with pytest.raises(Misdirected):
            guard.check("GET", [(b"host", host) for host in hosts])


@pytest.mark.parametrize("method", ["GET", "HEAD", *CHANGING])
def test_programs_may_do_everything(method: str) -> None:
    assert check(method) == ""
    # HTTP/1.0
    assert check(method, None) == ""
    assert check(method, user_agent="curl/8", accept="*/*", referer="http://evil.example/") == ""


@pytest.mark.parametrize("control", [False, True])
@pytest.mark.parametrize("method", CHANGING)
def test_the_labs_own_page_changes_things_only_if_allowed(method: str, control: bool) -> None:
    expected = "" if control else "Forbidden"
    for host in (OWN, "localhost:8000", "[::1]:8000"):
        origin = f"http://{host}"
        assert check(method, host, control=control, origin=origin) == expected
        assert check(method, host, control=control, origin=origin, sec_fetch_site="same-origin") == expected
    assert check(method, control=control, sec_fetch_site="none") == expected
    assert check("GET", control=control, sec_fetch_site="same-origin") == ""


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "null",
            "http://evil.example",
            "http://127.0.0.1",
            "http://127.0.0.1:8001",
            "http://localhost:8000",
        ),
        *(
            "http://127.0.0.1:8000.evil.example",
            "http://127.0.0.1:80000",
            "ftp://127.0.0.1:8000",
            "127.0.0.1:8000",
        ),
        *("http://evil.example:8000", "file://", "", "chrome-extension://abc", "http://127.0.0.1:8000/"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", *CHANGING])
def test_a_foreign_origin_is_refused_whatever_it_asks_for(method: str, origin: str) -> None:
    for control, site in product((False, True), ("", "same-origin", "cross-site")):
        sites = {"sec_fetch_site": site} if site else {}
        assert check(method, control=control, origin=origin, **sites) == "Forbidden"
    assert check(method, control=True, origin=origin, sec_fetch_mode="navigate") == "Forbidden"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "junk", ""])
def test_other_sites_may_link_to_the_lab_and_nothing_else(site: str) -> None:
    for control in (False, True):
        for method, mode in product(("GET", "HEAD"), ("cors", "no-cors", "same-origin", "websocket", "")):
            assert check(method, control=control, sec_fetch_site=site, sec_fetch_mode=mode) == "Forbidden"
        for method, mode in product(CHANGING, ("navigate", "cors", "no-cors")):
            assert check(method, control=control, sec_fetch_site=site, sec_fetch_mode=mode) == "Forbidden"
        assert check("GET", control=control, sec_fetch_site=site, sec_fetch_mode="navigate") == ""


def test_both_of_two_origins_count() -> None:
    guard = BrowserGuard(control=True)
    own, foreign = (b"origin", b"http://127.0.0.1:8000"), (b"origin", b"http://evil.example")
    for origins in ((own, foreign), (foreign, own)):
        with pytest.raises(Forbidden):
            guard.check("POST", [(b"host", b"127.0.0.1:8000"), *origins])
