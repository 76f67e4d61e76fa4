"""What the monitor DAG does in one task: its imports are dear, and each step is short."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from tinyops.projects import Project
from tinyops.store import Pointer, Store, layout


@dataclass(frozen=True)
class Judged:
    """What a run has found.

    Parameters
    ----------
    frames
        What became of the files of frames.
    verdicts
        {device: verdict}, of devices with a verdict that was not there before.
    changed
        Ids of verdicts that say something else of their device than the ones before did.
    standing
        Ids of all verdicts that have figures to draw.
    requests
        New requests for labels, as extras of the asset `drift`.
    """

    frames: dict[str, Any]
    verdicts: dict[str, str]
    changed: list[str]
    standing: list[str]
    requests: list[dict[str, Any]]


def judge_devices(store: Store, project: Project) -> Judged:
    """Take frames in, judge every device, and ask for labels where that helps.

    Raises
    ------
    StoreUnavailable
        S3 does not answer; worth another try.
    LabelError
        A label request cannot be read; nothing was judged.
    """
    from tinyops.data.labels.label_request import open_requests
    from tinyops.monitoring.compaction import compact_frames
    from tinyops.monitoring.judge import judge
    from tinyops.monitoring.requests import ask_for_labels, close_requests
    from tinyops.training.evidence import LabelEvidence, labelled_windows

    @cache
    def labelled(release: str) -> LabelEvidence:
        return labelled_windows(store, project, release)

    # Before anything is written: a verdict that stands already is neither asked about nor drawn.
    open_requests(store, project)
    key = layout.pointer(project.name, Pointer.VERDICT)
    pointer = store.get_json_or(key, {"devices": {}})
    before: dict[str, Any] = pointer["devices"]
    frames = compact_frames(store, project)
    verdicts = judge(store, project, labelled)
    close_requests(store, project, verdicts)
    requests = ask_for_labels(store, project, verdicts, labelled)
    drawn = [verdict for verdict in verdicts if verdict.evidence]
    return Judged(
        frames=frames,
        verdicts={
            verdict.device: f"{verdict.status}: {verdict.reason}"
            for verdict in verdicts
            if verdict.id != before.get(verdict.device, {}).get("id")
        },
        changed=[
            verdict.id
            for verdict in drawn
            if [verdict.status, verdict.reference_tag]
            != [before.get(verdict.device, {}).get(key) for key in ("status", "reference_tag")]
        ],
        standing=[verdict.id for verdict in drawn],
        requests=[
            {
                "uri": store.uri(layout.verdict(project.name, request.verdict)),
                "request": request.id,
                "kind": request.kind,
                "device": request.device,
                "release": request.release,
                "instructions": request.instructions,
            }
            for request in requests
            if request.kind != "look"
        ],
    )
