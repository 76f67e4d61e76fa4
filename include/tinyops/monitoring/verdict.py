"""Verdicts: what is said of a device, and the rules by which."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from tinyops.monitoring.evidence import Evidence
from tinyops.monitoring.frame_set import FrameSet
from tinyops.monitoring.residuals import Residual
from tinyops.sketches.sketch import Counts
from tinyops.store.content import content_id

Status = Literal["none", "data drift", "concept drift", "unknown"]
SILENCE = timedelta(days=1)
SILENT = "no frames since"
_TOLD = 2


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is said of one device after its newest frame set.

    Parameters
    ----------
    reason
        A sentence.
    evidence
        None where there was no whole frame set.
    residual
        None where nothing that came after the release is labelled.
    frames
        `epoch`, `first_window`, `last_window` and `n` (frames).
    virtual_seconds
        Signal that the device has counted since its boot, seconds.
    at
        When it was judged, UTC, ISO 8601.
    """

    project: str
    device: str
    release: str
    reference_tag: str
    status: Status
    reason: str
    evidence: Evidence | None
    residual: Residual | None
    frames: dict[str, int]
    virtual_seconds: float
    virtual: bool
    at: str

    @property
    def id(self) -> str:
        """Named by what was judged: the same frames and labels give the same verdict."""
        names = (self.device, self.reference_tag, self.status)
        return content_id([names, self.frames, self.residual and asdict(self.residual)])

    def to_dict(self) -> dict[str, Any]:
        """JSON content; without evidence its figures are null."""
        found = self.evidence
        return {
            "id": self.id,
            "project": self.project,
            "device": self.device,
            "release": self.release,
            "reference_tag": self.reference_tag,
            "status": self.status,
            "reason": self.reason,
            "watched": found and found.watched,
            "statistic": found and found.statistic,
            "threshold": found and found.threshold,
            "false_alarm_rate": found and found.false_alarm_rate,
            "p": found and found.p,
            "conditions": found and found.conditions,
            "moved": [asdict(each) for each in found.moved] if found else [],
            "effects": [asdict(each) for each in found.effects] if found else [],
            "estimated_accuracy": found and asdict(found.estimated_accuracy),
            "counts": found and {"found": _plain(found.found), "expected": _plain(found.expected)},
            "residual": self.residual and asdict(self.residual),
            "frames": self.frames,
            "virtual_seconds": self.virtual_seconds,
            "virtual": self.virtual,
            "at": self.at,
        }


def status_of(
    frame_set: FrameSet,
    wanted: int,
    evidence: Evidence | None,
    residual: Residual | None,
    now: datetime,
    drifting: bool = False,
) -> tuple[Status, str]:
    """(status, reason) of a device.

    Moved inputs are data drift whatever the labels say; labels that moved alone are concept drift.

    Parameters
    ----------
    drifting
        Data drift was the last verdict on the device under this release. Then it stands while T² is
        higher than in 99 of 100 sets without drift: a change that is only just seen does not come
        and go.
    """
    if now - frame_set.received > SILENCE:
        return "unknown", f"{SILENT} {frame_set.received:%Y-%m-%d %H:%M} UTC"
    if evidence is None:
        have = len(frame_set.records)
        return "unknown", f"{have} of {wanted} frames in a row since boot, release or gap"
    moved = bool(residual and residual.moved)
    if evidence.drifted:
        return "data drift", _inputs_moved(evidence) + (f"; {_labels_say(residual)}" * moved)
    if drifting and evidence.p < 1.0:
        return "data drift", (
            f"the inputs have not come back: T² {evidence.statistic:.1f}, above "
            f"{evidence.threshold:.1f} before, is more than 1 in 100 sets without drift have"
        ) + (f"; {_labels_say(residual)}" * moved)
    if moved:
        return "concept drift", f"the inputs did not move, but {_labels_say(residual)}"
    if evidence.only_class:
        return "unknown", f"reports only {evidence.only_class}; is that so?"
    return "none", f"T² {evidence.statistic:.1f} is not above {evidence.threshold:.1f}"


def _inputs_moved(evidence: Evidence) -> str:
    what = " and ".join(f"{each.feature} is {each.how}" for each in evidence.moved[:_TOLD])
    figures = f"T² {evidence.statistic:.1f} is above {evidence.threshold:.1f}"
    return f"the inputs moved: {what or 'several features, each a little'} ({figures})"


def _labels_say(residual: Residual | None) -> str:
    if residual is None:
        return ""
    return (
        f"{residual.labels} labelled windows are right in {residual.accuracy:.0%} where "
        f"{residual.expected:.0%} was expected (z {residual.z:.1f})"
    )


def _plain(counts: Counts) -> dict[str, Any]:
    return {
        "n": counts.n,
        "histograms": counts.histograms.tolist(),
        "out_of_range": counts.out_of_range.tolist(),
        "confidence": counts.confidence.tolist(),
        "classes": counts.classes.tolist(),
    }
