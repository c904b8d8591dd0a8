"""The dashboard in the repository is what the code makes, and Grafana can read all of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.panels import JAEGER
from dashboards.table import with_table
from dashboards.write_behind import TITLE, UID, render
from stack.docker.services import docker_specs
from stack.package_files import asset_path
from stack.spec.services import DEFAULT_PORTS, GRAFANA, OBSERVABILITY_PORTS
from stack.state.lab import LabState
from tests.grafana_model import mismatches

_PROVISIONING: Final = asset_path("assets/grafana/provisioning")
_FILE: Final = _PROVISIONING / "dashboards/write-behind.json"
#: Panels that the runbook, or whoever speaks to it, calls by their names.
_NAMED: Final = {
    "API Request Rate",
    "Cache Hit Rate",
    "Exposure",
    "Failed Writes (Data Loss)",
    "Persist Lag",
    "Retries",
    "Worker Rate by Operation",
    "Worker State",
    "Write Latency",
    "Write Queue Size",
    "Writes Coalesced",
}


def _board() -> dict[str, Any]:
    board: dict[str, Any] = json.loads(_FILE.read_text())
    return board


def _panels() -> Iterator[dict[str, Any]]:
    return (panel for panel in _board()["panels"] if panel["type"] != "row")


def test_the_file_is_what_the_code_makes() -> None:
    assert _FILE.read_text() == render(), (
        "run: python -m dashboards > stack/assets/grafana/provisioning/dashboards/write-behind.json"
    )


def test_the_docs_list_its_panels_as_they_are() -> None:
    page = (Path(__file__).parents[3] / "docs/dashboards.md").read_text()
    assert page == with_table(page), "run: python -m dashboards.table docs/dashboards.md"


def _read(board: dict[str, Any]) -> Dashboard:
    """The dashboard as Grafana's model reads it."""
    plugins.register_default_plugins()
    return Dashboard.from_json(board)


def test_it_fits_grafana_s_own_model() -> None:
    # A field that the model does not have, or has elsewhere, would be missing when it is written again.
    read = _read(_board())
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == _board()
    assert list(mismatches(read)) == []


def test_what_does_not_fit_the_model_is_found() -> None:
    board = _board()
    queue, coalesced, failed = board["panels"][7:10]
    queue["gridPos"]["h"] = "8"
    queue["options"]["legend"]["placement"] = "left"
    coalesced["fieldConfig"]["defaults"]["custom"]["showPoints"] = "sometimes"
    failed["title"] = 7
    failed["targets"][0]["expr"] = None
    board["annotations"]["list"][0]["target"]["tags"].append(3)
    found = list(mismatches(_read(board)))
    assert sorted(found) == [
        "annotations.list_val.0.target.tags.2: 3 is not a str",
        "panels.7.grid_pos.h: '8' is not a int",
        "panels.7.options.legend.placement: 'left' is not a LegendPlacement",
        "panels.8.field_config.defaults.custom.show_points: 'sometimes' is not a VisibilityMode",
        "panels.9.targets.0.expr: None is not a str",
        "panels.9.title: 7 is not a str",
    ]


def test_grafana_finds_it_and_opens_with_it() -> None:
    target = GRAFANA.container.mounts[0].target
    provider = yaml.safe_load((_PROVISIONING / "dashboards/dashboards.yml").read_text())["providers"][0]
    assert provider["options"]["path"] == f"{target}/dashboards"
    home = dict(GRAFANA.env)["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{target}/dashboards/{_FILE.name}"
    assert (_board()["uid"], _board()["title"]) == (UID, TITLE) == ("write-behind", TITLE)


def test_its_panels_have_the_names_that_others_call_them_by() -> None:
    titles = [panel["title"] for panel in _panels()]
    assert set(titles) >= _NAMED
    assert len(titles) == len(set(titles))


def test_every_panel_says_what_it_shows_in_which_unit() -> None:
    for panel in _panels():
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


def test_panels_do_not_overlap_and_have_an_id_each() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in _board()["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for cell in (
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ):
            assert cell not in taken, (panel["title"], taken[cell])
            taken[cell] = panel["title"]
    ids = [panel["id"] for panel in _board()["panels"]]
    assert len(ids) == len(set(ids))


def test_colours_are_fit_for_a_light_and_a_dark_theme() -> None:
    # A name of Grafana's palette has a shade for each theme; a colour by its figures does not.
    assert "#" not in json.dumps(_board())
    assert "rgb(" not in json.dumps(_board())


def test_its_link_opens_the_traces_of_the_api() -> None:
    (link,) = _board()["links"]
    panes = json.loads(parse_qs(urlsplit(link["url"]).query)["panes"][0])
    (query,) = panes["traces"]["queries"]
    state = LabState(runtime="docker", ports={**DEFAULT_PORTS, **OBSERVABILITY_PORTS})
    assert query["service"] == dict(docker_specs(state, "image")["api"].env)["OTEL_SERVICE_NAME"]
    assert query["datasource"] == {"type": JAEGER.type_val, "uid": JAEGER.uid}


def test_every_data_source_it_asks_is_provisioned() -> None:
    sources = yaml.safe_load((_PROVISIONING / "datasources/datasources.yml").read_text())["datasources"]
    known = {source["uid"]: source["type"] for source in sources} | {"-- Grafana --": "grafana"}
    asked = [each["datasource"] for each in (*_panels(), *_board()["annotations"]["list"])]
    assert {source["uid"]: source["type"] for source in asked}.items() <= known.items()
    links = sources[0]["jsonData"]["exemplarTraceIdDestinations"]
    assert {link["datasourceUid"] for link in links} <= set(known)
