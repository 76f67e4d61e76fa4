"""Data Docs: what the gate found in a batch as a page, and an index of all batches.

Layout below `reports/data-docs/`: `<batch>/index.html` per batch, `index.json` and `index.html`.
"""

from __future__ import annotations

import copy
import functools
import html
import re
from collections.abc import Collection, Sequence
from typing import Any

from tinyops.data.quality.docs_style import POLICY, STYLE
from tinyops.data.quality.result import GateResult, Refusal
from tinyops.projects import Project
from tinyops.store import ReportKind, Store, layout

SHOWN_REFUSALS = 100

_HEAD = (
    '<meta charset="UTF-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
)


def page_uri(store: Store, project: str, batch: str) -> str:
    """Where the page of a batch is, or will be."""
    return store.uri(layout.data_docs_page(project, batch))


def publish_docs(
    store: Store, project: Project, batch: str, result: GateResult, outcome: str, simulated: bool
) -> str:
    """Write the page of a batch and bring the index up to date. Returns the page's URI.

    Writing twice is harmless; `outcome` is one line on what became of the batch.
    """
    page = render_page(project, batch, result, outcome, simulated)
    key = layout.data_docs_page(project.name, batch)
    uri = store.put(key, page.encode(), "text/html")
    runs: dict[str, Any] = store.get_json_or(layout.data_docs_runs(project.name), {})
    runs[batch] = result.summary() | {"outcome": outcome, "simulated": simulated}
    _put_index(store, project, runs)
    return uri


def drop_pages(store: Store, project: Project, batches: Collection[str]) -> None:
    """Remove the pages of batches and bring the index up to date; harmless when they are gone."""
    runs: dict[str, Any] = store.get_json_or(layout.data_docs_runs(project.name), {})
    left = {batch: run for batch, run in runs.items() if batch not in batches}
    if left != runs:
        _put_index(store, project, left)
    for batch in batches:
        for row in list(store.objects(layout.report(project.name, ReportKind.DATA_DOCS, batch))):
            store.delete(row.key)


def _put_index(store: Store, project: Project, runs: dict[str, Any]) -> None:
    store.put_json(layout.data_docs_runs(project.name), runs)
    page = render_index(project, runs)
    store.put(layout.data_docs_list(project.name), page.encode(), "text/html")


def render_page(
    project: Project, batch: str, result: GateResult, outcome: str, simulated: bool
) -> str:
    """The page of one batch: who was refused or warned of and why, then every expectation.

    Self-contained: nothing is loaded."""
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    content = ValidationResultsPageRenderer(run_info_at_end=True).render(_escaped(result))
    page = str(_page_view().render(content))
    body = page.partition("<body>")[2].rpartition("</body>")[0]
    body = re.sub(r"<script.*?</script>", "", body, flags=re.DOTALL)
    body = re.sub(r"<img\b[^>]*>|<footer>.*?</footer>", "", body, flags=re.DOTALL)
    # The suite has no page of its own: its expectations are all on this one.
    body = re.sub(r'href="(?!#)[^"]*"', "", body)
    return _document(f"{project.title}: batch {batch}", _banner(result, outcome, simulated), body)


@functools.cache
def _page_view() -> Any:
    # One for the process: a view of its own compiles all templates, which takes longer than a page.
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def render_index(project: Project, runs: dict[str, Any]) -> str:
    """The list of all batches that met the gate, newest name first."""
    rows = [
        [
            f'<a href="{html.escape(batch)}/{layout.PAGE}">{html.escape(batch)}</a>',
            str(run["accepted"]),
            str(run["refused"]),
            str(run["warned"]),
            f"{run['expectations_met']} of {run['expectations']}",
            html.escape(run["outcome"]),
            "simulated" if run["simulated"] else "measured",
        ]
        for batch, run in sorted(runs.items(), reverse=True)
    ]
    head = ["Batch", "Accepted", "Refused", "Warned", "Expectations met", "Outcome", "Data"]
    table = f'<div class="container-fluid">{_table(head, rows)}</div>'
    return _document(f"{project.title}: data quality", "", table)


def _banner(result: GateResult, outcome: str, simulated: bool) -> str:
    # Accepted, but of no use yet: the version lacks a class.
    accepted = "text-warning" if "class_coverage" in result.counts else "good"
    mood = accepted if result.accepted else "bad"
    data = "Simulated recordings. " if simulated else ""
    warned = f", {len(result.warnings)} of them with warnings" if result.warnings else ""
    remarks = "".join(f"<li>{html.escape(one)}</li>" for one in result.remarks)
    return "".join(
        [
            f'<p class="{mood}"><strong>{html.escape(outcome)}</strong></p>',
            f"<p>{data}{result.accepted} of {len(result.table)} recordings accepted{warned}.</p>",
            f'<ul class="text-warning">{remarks}</ul>' if remarks else "",
            _concerned("Refused", result.refusals),
            _concerned("Warned of", result.warnings),
            "<details><summary>All expectations and their severity</summary>",
            _table(["Expectation", "Severity", "Expected", "Missed by"], _expectations(result)),
            "</details>",
        ]
    )


def _concerned(head: str, found: Sequence[Refusal]) -> str:
    rows = [
        [
            str(one.row),
            html.escape(one.recording_id),
            "<br>".join(html.escape(reason) for reason in one.reasons),
            "<br>".join(html.escape(fix) for fix in one.fixes),
        ]
        for one in found[:SHOWN_REFUSALS]
    ]
    more = len(found) - SHOWN_REFUSALS
    return (_table(["Row", head, "Why", "What to do"], rows) if rows else "") + (
        f"<p>and {more} more</p>" if more > 0 else ""
    )


def _expectations(result: GateResult) -> list[list[str]]:
    rows = []
    for outcome in result.validation.results:
        meta = outcome.expectation_config.meta
        missed = outcome.result.get("unexpected_count") or (0 if outcome.success else "the batch")
        said = [meta["name"], meta["severity"], meta["why"], str(missed or "")]
        rows.append([html.escape(one) for one in said])
    return rows


def _document(title: str, banner: str, body: str) -> str:
    title = html.escape(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{_HEAD}<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<header><h1>{title}</h1>{banner}</header>\n"
        f"{body}\n</body>\n</html>\n"
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    top = "".join(f"<th>{cell}</th>" for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def _escaped(result: GateResult) -> Any:
    # GX 1.24 puts values found in the data into the page as they are: a label may hold markup.
    validation = copy.deepcopy(result.validation)
    for outcome in validation.results:
        outcome.result = _escape(outcome.result)
    return validation


def _escape(value: Any) -> Any:
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, dict):
        return {_escape(key): _escape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_escape(item) for item in value)
    return value
