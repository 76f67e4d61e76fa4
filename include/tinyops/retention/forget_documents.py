"""Everything of a project that people read: JSON, pages, text."""

from __future__ import annotations

import json
from collections import Counter

from tinyops.data.ingest.inbox import outstanding_batches
from tinyops.data.quality.docs import drop_pages
from tinyops.projects import Project
from tinyops.retention.forget_models import names_of
from tinyops.retention.forget_plan import ForgetPlan
from tinyops.retention.scrub import scrub_json, scrub_text
from tinyops.store import ReportKind, Store, layout


def scrub_documents(store: Store, project: Project, plan: ForgetPlan) -> Counter[str]:
    """Take the names out of all documents; pages of the gate about the machine's batches go whole.

    Reads every document of the project once. Verdicts and stories of the machine's own devices are
    removed.
    """
    counts: Counter[str] = Counter()
    pages = {
        batch for batch in plan.batches if store.exists(layout.data_docs_page(project.name, batch))
    }
    drop_pages(store, project, pages)
    counts["data_docs_pages_removed"] += len(pages)
    names = names_of(project, plan)
    spared = (
        layout.requests(project.name),
        layout.forgotten(project.name),
        layout.dataset_files(project.name),
        # What ingest has yet to read it reads as it was sent: it takes the machine out itself.
        *(layout.sent_batch(project.name, one) for one in outstanding_batches(store, project)),
    )
    for row in list(store.objects(layout.project(project.name))):
        if row.key.startswith(spared) or not (layout.is_json(row.key) or layout.is_text(row.key)):
            continue
        data = store.get(row.key)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            continue
        if _is_of(row.key, text, plan, project.name):
            store.delete(row.key)
            counts["device_reports_removed"] += 1
            continue
        if not names.in_text(text):
            continue
        if layout.is_json(row.key):
            try:
                content = json.loads(text)
            except ValueError:
                content = None
            if content is not None:
                left = scrub_json(content, names)
                if left != content:
                    store.put_json(row.key, left)
                    counts["documents_rewritten"] += 1
                continue
        left_text = scrub_text(text, names)
        if left_text != text:
            kind = "text/html" if layout.is_page(row.key) else "text/plain"
            store.put(row.key, left_text.encode(), kind)
            counts["documents_rewritten"] += 1
    return counts


def _is_of(key: str, text: str, plan: ForgetPlan, project: str) -> bool:
    """Whether a report is about a device of the machine alone."""
    if not key.startswith(layout.reports(project)) or not plan.devices:
        return False
    if layout.folder_below(layout.report(project, ReportKind.STORY), key) in plan.devices:
        return True
    if not key.startswith(layout.report(project, ReportKind.VERDICT)):
        return False
    try:
        return json.loads(text).get("device") in plan.devices
    except (ValueError, AttributeError):
        return False
