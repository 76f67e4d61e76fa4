"""The sections `gate` and `privacy` of project.yaml: what the quality gate minds, and how much."""

from __future__ import annotations

import difflib
from typing import Annotated, Literal

from pydantic import Field, field_validator

from tinyops.projects.section import Section

Severity = Literal["refuse", "quarantine", "warn"]
"""Refuse the whole batch, set the recordings concerned aside, or let them go on and say so."""

SEVERITIES: dict[str, Severity] = {
    "table": "refuse",
    "not_empty": "refuse",
    "recording": "quarantine",
    "id": "quarantine",
    "unique_id": "quarantine",
    "plain_id": "quarantine",
    "plain_machine": "quarantine",
    "plain_device": "quarantine",
    "personal": "quarantine",
    "duplicate": "quarantine",
    "near_duplicate": "quarantine",
    "sensor": "quarantine",
    "channels": "quarantine",
    "unit": "quarantine",
    "rate": "quarantine",
    "rate_stated": "quarantine",
    "rate_by_clock": "quarantine",
    "rate_by_lines": "quarantine",
    "jitter": "quarantine",
    "label": "quarantine",
    "known_label": "quarantine",
    "split_group": "quarantine",
    "window": "quarantine",
    "finite": "quarantine",
    "flat_line": "quarantine",
    "gap": "quarantine",
    "clipping": "quarantine",
    "plateau": "quarantine",
    "dc_offset": "quarantine",
    "level": "quarantine",
    "dead_channel": "quarantine",
    "swapped_channels": "quarantine",
    "unit_slip": "quarantine",
    "recorded_at": "quarantine",
    "overlap": "warn",
    "energy": "warn",
    "known_machine": "warn",
    "class_coverage": "warn",
    "class_balance": "warn",
    "level_as_before": "warn",
    "spectrum_as_before": "warn",
    "classes_as_before": "warn",
}
"""Every expectation of the gate and its severity where project.yaml says nothing."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Factor = Annotated[float, Field(gt=1.0)]


class Limits(Section):
    """Where the gate draws its lines."""

    rate: Share = Field(default=0.01, description="stated rate off the project's, share")
    clock: Share = Field(default=0.05, description="stated rate off what the clock says, share")
    jitter: Share = Field(default=0.25, description="of the interval between samples")
    lines: float = Field(
        default=3.0, gt=0, description="evidence of known lines for another rate, decades"
    )
    gap_windows: Share = Field(
        default=0.01, description="held, zero or interpolated stretch, in windows"
    )
    clipped: Share = Field(default=0.01, description="of the samples at full scale")
    plateau: Share = Field(
        default=0.005, description="of the samples at the recording's own extremes"
    )
    dc: Share = Field(default=0.9, description="mean, of full scale")
    dead: Share = Field(
        default=0.01, description="of what the channel has shown, below which it is dead"
    )
    slips: list[Factor] = Field(
        default_factory=lambda: [9.80665, 100.0, 1000.0],
        description="factors between units that are taken for one another",
    )
    energy: Factor = Field(default=3.0, description="times what was ever seen, up or down")
    imbalance: Factor = Field(default=20.0, description="largest class over smallest")
    level_change: Factor = Field(default=2.0, description="against the version before")
    spectrum_change: Factor = Field(default=1.5, description="of the centroid, likewise")
    share_change: Share = Field(default=0.3, description="of a class, likewise")


class Gate(Section):
    """What this project's gate does otherwise than every gate."""

    severity: dict[str, Severity] = Field(default_factory=dict)
    limits: Limits = Limits()

    @field_validator("severity")
    @classmethod
    def _known(cls, given: dict[str, Severity]) -> dict[str, Severity]:
        for name in given:
            if name not in SEVERITIES:
                near = difflib.get_close_matches(name, SEVERITIES, 1)
                hint = f"; is it {near[0]!r}?" if near else f"; there are {', '.join(SEVERITIES)}"
                raise ValueError(f"no expectation {name!r}{hint}")
        return given

    def severity_of(self, name: str) -> Severity:
        """What a miss of this expectation leads to."""
        return self.severity.get(name, SEVERITIES[name])


class Privacy(Section):
    """What recordings may say of people."""

    personal_fields: dict[str, Annotated[str, Field(min_length=10)]] = Field(
        default_factory=dict, description="condition that is about a person: what it is needed for"
    )
