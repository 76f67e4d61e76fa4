"""The classification preset of Evidently, drawn so that a few labels compare with many."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

CURRENT, REFERENCE = "labelled since the release", "validation and test at the release"


def quality_picture(
    current: NDArray[np.integer], reference: NDArray[np.integer], classes: Sequence[str]
) -> Any:
    """The preset for the rows of two confusions [label][prediction], to be put into a Report."""
    preset = _preset_type()()
    preset._classes, preset._tables = tuple(classes), (np.asarray(current), np.asarray(reference))
    return preset


@cache
def _preset_type() -> type[Any]:
    from evidently._pydantic_compat import PrivateAttr
    from evidently.core.metric_types import ByLabelMetric
    from evidently.presets import ClassificationPreset

    class LabelledQuality(ClassificationPreset):
        _classes: tuple[str, ...] = PrivateAttr(default=())
        _tables: tuple[NDArray, ...] = PrivateAttr(default=())

        def generate_metrics(self, context: Any) -> list[Any]:
            found = list(super().generate_metrics(context))
            if any(_occurring(table) == 2 for table in self._tables):
                # For two labels the overall metrics want one that is called 1 (Evidently 0.7.23).
                found = [metric for metric in found if isinstance(metric, ByLabelMetric)]
            return found

        def render(self, context: Any, child_widgets: Any = None) -> list[Any]:
            return [
                _overall(self._tables),
                _confusions(self._tables, self._classes),
                _by_label(self._tables, self._classes),
            ]

    return LabelledQuality


def _occurring(table: NDArray) -> int:
    return int(np.count_nonzero(table.sum(axis=0) + table.sum(axis=1)))


def _overall(tables: Sequence[NDArray]) -> Any:
    from evidently.legacy.renderers.html_widgets import CounterData, counter

    shown = [
        CounterData(heading, f"{np.trace(table) / table.sum():.1%}")
        for heading, table in zip(_headings(tables), tables, strict=True)
    ]
    return counter(title="Accuracy", counters=shown)


def _by_label(tables: Sequence[NDArray], classes: Sequence[str]) -> Any:
    from evidently.legacy.renderers.html_widgets import table_data

    # Evidently has 0, or nothing, for the recall of a label without windows.
    columns = {
        f"{name}: {side}": [
            f"{right / windows:.3f}" if windows else "-"
            for right, windows in zip(np.diag(table), table.sum(axis=axis), strict=True)
        ]
        for name, axis in (("recall", 1), ("precision", 0))
        for side, table in zip((CURRENT, REFERENCE), tables, strict=True)
    }
    return table_data(
        title="By label",
        column_names=["label", *columns],
        data=zip(classes, *columns.values(), strict=True),
    )


def _headings(tables: Sequence[NDArray]) -> list[str]:
    return [
        f"{name} ({int(table.sum())} windows)"
        for name, table in zip((CURRENT, REFERENCE), tables, strict=True)
    ]


def _confusions(tables: Sequence[NDArray], classes: Sequence[str]) -> Any:
    import plotly.graph_objects as go
    from evidently.legacy.renderers.html_widgets import plotly_figure
    from plotly.subplots import make_subplots

    figure = make_subplots(1, 2, subplot_titles=_headings(tables), shared_yaxes=True)
    for column, table in enumerate(tables, start=1):
        # Of each label's windows: few labelled windows have the same colours as many.
        percent = 100 * table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        heat = go.Heatmap(
            z=percent.round(1).tolist(),
            text=table.tolist(),
            texttemplate="%{text}",
            x=list(classes),
            y=list(classes),
            zmin=0,
            zmax=100,
            colorscale="Blues",
            colorbar={"title": "% of<br>the label"},
            showscale=column == 1,
        )
        figure.add_trace(heat, 1, column)
        figure.update_xaxes(title="decided", row=1, col=column)
    figure.update_yaxes(autorange="reversed")
    figure.update_yaxes(title="label", col=1)
    figure.update_layout(template="none", margin={"l": 110})
    return plotly_figure(title="What was decided for each label", figure=figure)
