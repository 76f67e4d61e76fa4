"""Our figures in Evidently's words: custom metrics that calculate nothing and test nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Statistic:
    """One figure of a verdict.

    Parameters
    ----------
    name
        What it is, in a few words.
    value
        The figure; Evidently's dashboards can plot it over reports.
    text
        The figure as people read it, with its unit.
    note
        What it is compared with, or how sure it is.
    wide
        Takes the whole width of the page.
    """

    name: str
    value: float
    text: str
    note: str
    wide: bool = False


def metrics(statistics: Sequence[Statistic]) -> list[Any]:
    """A metric of Evidently for each."""
    kind = _metric_type()
    return [kind(**asdict(each)) for each in statistics]


@cache
def _metric_type() -> type[Any]:
    from evidently.core.metric_types import SingleValueCalculation, SingleValueMetric
    from evidently.legacy.renderers.html_widgets import CounterData, WidgetSize, counter

    class TinyOpsStatistic(SingleValueMetric):
        name: str
        value: float
        text: str
        note: str
        wide: bool

    class TinyOpsStatisticCalculation(SingleValueCalculation[TinyOpsStatistic]):
        def calculate(self, context: Any, current_data: Any, reference_data: Any) -> Any:
            result = self.result(self.metric.value)
            shown = CounterData(self.metric.note, self.metric.text)
            size = WidgetSize.FULL if self.metric.wide else WidgetSize.HALF
            result.widget = [counter(counters=[shown], title=self.metric.name, size=size)]
            return result

        def display_name(self) -> str:
            return self.metric.name

    return TinyOpsStatistic
