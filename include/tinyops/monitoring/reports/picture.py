"""The data-drift preset of Evidently without its decisions: shares of each bin, PSI and JS."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from tinyops.monitoring.reports.marginals import Marginal

# Okabe and Ito's palette, which colour-blind people can tell apart.
REFERENCE_COLOUR, CURRENT_COLOUR = "#0072B2", "#E69F00"
NEVER = 1e9
"""A threshold for Evidently that no PSI and no JS distance reaches: it has nothing to decide."""


def drift_picture(columns: Sequence[Marginal]) -> Any:
    """The preset for rows of these columns, to be put into a Report."""
    preset = _preset_type()(method="psi", threshold=NEVER)
    preset._marginals = list(columns)
    return preset


@cache
def _preset_type() -> type[Any]:
    from evidently._pydantic_compat import PrivateAttr
    from evidently.metrics import ValueDrift
    from evidently.presets import DataDriftPreset

    class FrameDrift(DataDriftPreset):
        _marginals: list[Marginal] = PrivateAttr(default_factory=list)

        def generate_metrics(self, context: Any) -> list[Any]:
            # Not DriftedColumnsCount: it counts columns beyond a threshold.
            psi = [each for each in super().generate_metrics(context) if type(each) is ValueDrift]
            return psi + [
                ValueDrift(column=each.column, method="jensenshannon", threshold=NEVER)
                for each in psi
            ]

        def render(self, context: Any, child_widgets: Any = None) -> list[Any]:
            scores = {
                (metric.column, metric.method): context.get_metric_result(metric).value
                for metric in self.list_metrics(context)
            }
            return [_table(self._marginals, scores)]

    return FrameDrift


def _table(columns: Sequence[Marginal], scores: dict[tuple[str, str], float]) -> Any:
    from evidently.legacy.renderers.html_widgets import (
        ColumnDefinition,
        ColumnType,
        RichTableDataRow,
        RowDetails,
        plotly_figure,
        rich_table_data,
    )

    def small(title: str, field: str, colour: str) -> Any:
        options = {"xField": "x", "yField": "y", "color": colour}
        return ColumnDefinition(title, field, ColumnType.HISTOGRAM, options=options)

    rows = [
        RichTableDataRow(
            fields={
                "column": each.column,
                "reference": {"x": list(each.bins), "y": shares(each.reference)},
                "current": {"x": list(each.bins), "y": shares(each.current)},
                "psi": f"{scores[each.column, 'psi']:.3f}",
                "js": f"{scores[each.column, 'jensenshannon']:.3f}",
            },
            details=RowDetails().with_part(
                "Share of windows", plotly_figure(title="", figure=_bars(each))
            ),
        )
        for each in columns
    ]
    return rich_table_data(
        title="What the device counted, beside what the reference expects for the same predicted "
        "classes (effect sizes, which decide nothing)",
        columns=[
            ColumnDefinition("Counted", "column"),
            small("Reference", "reference", REFERENCE_COLOUR),
            small("Device", "current", CURRENT_COLOUR),
            ColumnDefinition("PSI", "psi"),
            ColumnDefinition("Jensen-Shannon distance", "js"),
        ],
        data=rows,
    )


def _bars(marginal: Marginal) -> Any:
    import plotly.graph_objects as go

    def side(name: str, counts: Sequence[int], colour: str) -> Any:
        percent = [100 * share for share in shares(counts)]
        label = f"{name} ({sum(counts)} windows)"
        return go.Bar(name=label, x=list(marginal.bins), y=percent, marker_color=colour)

    layout = {
        "template": "none",
        "barmode": "group",
        "xaxis": {"title": marginal.column, "type": "category"},
        "yaxis": {"title": "% of windows"},
    }
    return go.Figure(
        [
            side("reference", marginal.reference, REFERENCE_COLOUR),
            side("device", marginal.current, CURRENT_COLOUR),
        ],
        layout,
    )


def shares(counts: Sequence[int]) -> list[float]:
    """Counts as parts of one."""
    return [round(count / sum(counts), 6) for count in counts]
