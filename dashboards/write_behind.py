"""The "Write-Behind Cache Dashboard": what waits, what that puts at risk, and what the workers make of it."""

import json
from itertools import count
from typing import Final
from urllib.parse import quote

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from dashboards.panels import JAEGER, PROMETHEUS, Panel
from dashboards.requests import REQUESTS
from dashboards.worker import WORKER
from dashboards.write_path import AT_A_GLANCE, WRITE_PATH

#: Links to the dashboard depend on it.
UID: Final = "write-behind"
TITLE: Final = "Write-Behind Cache Dashboard"

_ROWS: Final[tuple[tuple[str, tuple[Panel, ...]], ...]] = (
    ("", AT_A_GLANCE),
    ("Write path", WRITE_PATH),
    ("Requests", REQUESTS),
    ("Workers", WORKER),
)
#: What labctl pushes while a demo or a load runs: a tag, its name among the switches, its colour.
_MARKS: Final = (("run", "Runs", "purple"), ("step", "Steps", "blue"), ("fault", "Faults", "red"))


def build() -> models.Dashboard:
    """The dashboard as Grafana's model has it."""
    board = (
        dashboard.Dashboard(TITLE)
        .uid(UID)
        .description("What a write-behind cache gains, what it risks, and how its workers keep up.")
        .tags(["write-behind"])
        .refresh("2s")
        .time("now-15m", "now")
        .timepicker(dashboard.TimePicker().refresh_intervals(["2s", "5s", "10s", "30s", "1m"]))
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(_to_traces())
    )
    for tag, name, colour in _MARKS:
        board.annotation(_marks(tag, name, colour))
    board.annotation(_alerts())
    ids = count(1)
    for title, panels in _ROWS:
        if title:
            board.with_row(dashboard.Row(title).id(next(ids)))
        for panel in panels:
            board.with_panel(panel.id(next(ids)))
    return board.build()


def render() -> str:
    """The dashboard as JSON."""
    return json.dumps(build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _marks(tag: str, name: str, colour: str) -> dashboard.AnnotationQuery:
    """What labctl pushed with this tag."""
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(models.DataSourceRef(type_val="grafana", uid="-- Grafana --"))
        .enable(True)
        .icon_color(colour)
        .target(
            dashboard.AnnotationTarget().type("tags").tags(["write-behind", tag]).match_any(False).limit(200)
        )
    )


def _alerts() -> dashboard.AnnotationQuery:
    """The times when Prometheus' alerts were firing."""
    return (
        dashboard.AnnotationQuery()
        .name("Alerts")
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color("orange")
        .expr('ALERTS{alertstate="firing"}')
    )


def _to_traces() -> dashboard.DashboardLink:
    """Opens the API's traces of the time shown."""
    pane = {
        "datasource": JAEGER.uid,
        "queries": [
            {
                "refId": "A",
                "datasource": {"type": "jaeger", "uid": JAEGER.uid},
                "queryType": "search",
                "service": "write-behind-api",
            }
        ],
        "range": {"from": "now-15m", "to": "now"},
    }
    panes = quote(json.dumps({"traces": pane}, separators=(",", ":")))
    return (
        dashboard.DashboardLink("Traces in Jaeger")
        .type(models.DashboardLinkType.LINK)
        .icon("external link")
        .tooltip("The requests that were traced")
        .url(f"/explore?schemaVersion=1&orgId=1&panes={panes}")
        .target_blank(True)
    )
