"""The `monitoring:` section of project.yaml: what devices count and how drift is judged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tinyops.projects.section import Section


class Monitoring(Section):
    """Sketches, frame sets and the rates at which verdicts may be wrong."""

    population: Literal["open", "fixed"] = Field(
        default="open",
        description="open: devices go round machines that are not in the data, of the same kind "
        "(one that stays on a single machine seems to drift); "
        "fixed: devices stay with the machines or people of the data",
    )
    every: int = Field(
        default=1,
        ge=1,
        le=65535,
        description="every k-th window is counted, so that counted windows are nearly independent",
    )
    frame_windows: int = Field(default=64, ge=16, le=255, description="counted windows a frame")
    set_frames: int = Field(default=4, ge=1, le=64, description="frames that are judged together")
    false_alarm_rate: float = Field(
        default=1e-4, ge=1e-5, le=0.1, description="per frame set, without drift"
    )
    residual_alpha: float = Field(
        default=0.01, gt=0.0, le=0.2, description="level of the test on labelled windows"
    )
    minimum_labels: int = Field(
        default=20, ge=5, description="labelled windows before residuals are judged"
    )
    label_recordings: int = Field(
        default=120, ge=1, description="about how many recordings a label request asks for"
    )

    @property
    def set_windows(self) -> int:
        """Counted windows of a whole frame set."""
        return self.frame_windows * self.set_frames
