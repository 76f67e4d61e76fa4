"""What our expectations share: one figure of the batch, judged, with a sentence for Data Docs."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from great_expectations.expectations.expectation import ColumnAggregateExpectation
from great_expectations.render import LegacyRendererType, RenderedStringTemplateContent
from great_expectations.render.renderer.renderer import renderer


class ExpectOfTheWhole(ColumnAggregateExpectation):
    """A judgement on the first of `metric_dependencies`."""

    sentence: ClassVar[str]
    """For Data Docs; `$name` stands for an argument."""

    @abstractmethod
    def judged(self, figure: Any) -> tuple[bool, str]:
        """Whether the figure is as expected, and what was observed."""

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        success, observed = self.judged(metrics[self.metric_dependencies[0]])
        return {"success": success, "result": {"observed_value": observed}}

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> list[Any]:
        given = {name: str(value) for name, value in configuration.kwargs.items()}
        return [
            RenderedStringTemplateContent(
                content_block_type="string_template",
                string_template={"template": cls.sentence, "params": given},
            )
        ]
