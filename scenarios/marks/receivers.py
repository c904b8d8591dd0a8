"""Who receives marks: the lab's API, for its page, and Grafana, as annotations of its dashboard."""

import html
from typing import Any, Final

import httpx
import msgspec

from scenarios.marks.mark import Mark

#: The API shares the machine with the load that a run makes; Grafana hashes a password each time.
_API_TIMEOUT_S: Final = 1.0
_GRAFANA_TIMEOUT_S: Final = 2.0
#: Grafana's user and password, which are no secret in a lab.
_LOGIN: Final = ("admin", "admin")
#: The dashboard shows annotations that have this tag, and one for their kind.
_TAG: Final = "write-behind"


class ApiReceiver:
    """The lab's API, which shows marks on its page."""

    name: Final = "the lab's page"

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=_API_TIMEOUT_S, trust_env=False)

    def deliver(self, mark: Mark) -> None:
        """Raises httpx.HTTPError if the mark was not taken."""
        body = msgspec.json.encode(mark)
        answer = self._http.post("/admin/marks", content=body, headers={"Content-Type": "application/json"})
        answer.raise_for_status()

    def close(self) -> None:
        self._http.close()


class GrafanaReceiver:
    """Grafana's annotations: a run and each of its steps is a region, a fault is a point.

    A region is put there when it begins, and gets its end when it has ended
    (https://grafana.com/docs/grafana/latest/developers/http_api/annotations/).
    """

    name: Final = "Grafana"

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, auth=_LOGIN, timeout=_GRAFANA_TIMEOUT_S, trust_env=False)
        #: The annotations that have no end yet, by kind.
        self._open: dict[str, int] = {}

    def deliver(self, mark: Mark) -> None:
        """Raises httpx.HTTPError if the mark was not taken. It may be delivered again."""
        ends = {"step": ("step",), "end": ("step", "run")}.get(mark.kind, ())
        for kind in ends:
            self._end(kind, mark)
        if mark.kind != "end":
            self._begin(mark)

    def close(self) -> None:
        self._http.close()

    def _begin(self, mark: Mark) -> None:
        annotation = {"time": _ms(mark.at), "tags": [_TAG, mark.kind, mark.scenario], "text": _text(mark)}
        answer = self._http.post("/api/annotations", json=annotation)
        answer.raise_for_status()
        number = _number(answer)
        if number is not None and mark.kind != "fault":
            self._open[mark.kind] = number

    def _end(self, kind: str, mark: Mark) -> None:
        if kind not in self._open:
            return
        changes: dict[str, Any] = {"timeEnd": _ms(mark.at)}
        if kind == "run":
            changes["text"] = _text(mark)
        answer = self._http.patch(f"/api/annotations/{self._open[kind]}", json=changes)
        # Someone may have deleted it.
        if answer.status_code != httpx.codes.NOT_FOUND:
            answer.raise_for_status()
        del self._open[kind]


def _number(answer: httpx.Response) -> int | None:
    """The number of an annotation that was made; None if the answer has none."""
    try:
        content = answer.json()
    except ValueError:
        return None
    match content:
        case {"id": int(number)}:
            return number
        case _:
            return None


def _ms(at: float) -> int:
    return round(1000 * at)


def _text(mark: Mark) -> str:
    """What the annotation says. Grafana shows it as HTML."""
    title = f"{mark.number}. {mark.label}" if mark.number else mark.label
    lines = [f"{mark.scenario}: {title}", mark.detail] if mark.kind != "step" else [title, mark.detail]
    return html.escape("\n".join(filter(None, lines)), quote=False)
