"""The sentence that Data Docs show for one of our expectations."""

from __future__ import annotations

from typing import Any


def sentence(text: str, configuration: Any) -> list[Any]:
    """Rendered content: the text with `$name` of the expectation's arguments filled in."""
    from great_expectations.render import RenderedStringTemplateContent

    given = {name: str(value) for name, value in configuration.kwargs.items()}
    return [
        RenderedStringTemplateContent(
            content_block_type="string_template",
            string_template={"template": text, "params": given},
        )
    ]
