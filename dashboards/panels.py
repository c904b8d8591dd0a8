"""Panels as this lab draws them.

Colours are names of Grafana's palette, which has a light and a dark shade of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

#: The data sources' uids, as they are provisioned.
PROMETHEUS: Final = models.DataSourceRef(type_val="prometheus", uid="prometheus")
JAEGER: Final = models.DataSourceRef(type_val="jaeger", uid="jaeger")

Panel: TypeAlias = timeseries.Panel | stat.Panel | statetimeline.Panel
P = TypeVar("P", timeseries.Panel, stat.Panel, statetimeline.Panel)

_REF_IDS: Final = "ABCDEFGH"


@dataclass(frozen=True, slots=True)
class Query:
    """What a panel shows."""

    #: PromQL; may use Grafana's `$__rate_interval`.
    expr: str
    #: What its series are called; may use labels: "{{method}} {{route}}".
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What every kind of panel has."""

    title: str
    #: What a reader should know, in plain sentences.
    description: str
    queries: tuple[Query, ...]
    #: Grafana's name of it: "s", "percentunit", "reqps", "short".
    unit: str
    #: Its size in the grid, which is 24 columns wide.
    width: int = 8
    height: int = 8
    #: Each value from which on the colour is another one.
    thresholds: tuple[tuple[float, str], ...] = ()


def percentiles(of: str, by: str = "", where: str = "") -> tuple[Query, ...]:
    """The 50th, 95th and 99th percentile of a histogram.

    Args:
        of: Its name.
        by: A label to keep apart.
        where: Which of its series: `policy="write_behind"`.
    """
    selected = f"{of}_bucket{{{where}}}" if where else f"{of}_bucket"
    labels = f"le, {by}" if by else "le"
    rates = f"sum by ({labels}) (rate({selected}[$__rate_interval]))"
    suffix = f" {{{{{by}}}}}" if by else ""
    return tuple(
        Query(f"histogram_quantile({quantile / 100:g}, {rates})", f"p{quantile}{suffix}")
        for quantile in (50, 95, 99)
    )


def lines(about: About, *, colours: Mapping[str, str] | None = None, stacked: bool = False) -> Panel:
    """Values over time. Thresholds are drawn as dashed lines.

    Args:
        colours: Of series by their legend, where it means something.
        stacked: Whether the series add up to something.
    """
    panel = (
        _with(timeseries.Panel(), about)
        .legend(
            common.VizLegendOptions()
            .display_mode(common_models.LegendDisplayMode.LIST)
            .placement(common_models.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .line_width(2)
        .fill_opacity(40 if stacked else 10)
        .show_points(common_models.VisibilityMode.NEVER)
        .axis_soft_min(0)
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
    if about.thresholds:
        panel.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
        )
    for legend, colour in (colours or {}).items():
        fixed = models.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})
        panel.override_by_name(legend, [fixed])
    return panel


def number(about: About) -> Panel:
    """One figure as it is now, coloured by its thresholds, with its course behind it."""
    return (
        _with(stat.Panel(), about)
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def timeline(about: About, states: Sequence[tuple[int, str, str]]) -> Panel:
    """States over time, a row for each series.

    Args:
        states: Each value, what it is called, and its colour.
    """
    mapping = models.ValueMap(
        options={
            str(value): models.ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, text, colour) in enumerate(states)
        }
    )
    return (
        _with(statetimeline.Panel(), about)
        .mappings([mapping])
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        .merge_values(True)
        .show_value(common_models.VisibilityMode.AUTO)
        .row_height(0.8)
        .fill_opacity(70)
        .line_width(0)
        .legend(common.VizLegendOptions().show_legend(True))
    )


def _with(panel: P, about: About) -> P:
    panel.title(about.title).description(about.description).unit(about.unit).datasource(PROMETHEUS)
    panel.height(about.height).span(about.width)
    for ref_id, query in zip(_REF_IDS, about.queries, strict=False):
        panel.with_target(
            prometheus.Dataquery()
            .expr(query.expr)
            .legend_format(query.legend)
            .ref_id(ref_id)
            .range()
            .exemplar("_bucket" in query.expr)
        )
    steps = [models.Threshold(value=None, color="green")]
    steps += [models.Threshold(value=value, color=colour) for value, colour in about.thresholds]
    panel.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    return panel
