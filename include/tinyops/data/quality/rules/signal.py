"""Whether the samples of one recording can be a signal."""

from __future__ import annotations

from tinyops.data.quality.rules.kinds import between
from tinyops.data.quality.rules.rule import Rule
from tinyops.projects import Project


def signal(project: Project) -> list[Rule]:
    """Rules about one recording's samples."""
    limits = project.gate.limits
    return [
        between("window", "windows", "at least one window", "record longer", min_value=1),
        between(
            "finite",
            "finite_share",
            "1: every sample a number",
            "find where NaN or infinity comes from",
            min_value=1,
        ),
        between(
            "flat_line",
            "flat_windows",
            "below 1: no whole window of one constant value",
            "check the sensor and its cable",
            max_value=1,
            strict_max=True,
        ),
        between(
            "gap",
            "gap_windows",
            f"at most {limits.gap_windows:g}: no stretch that is held, zero or interpolated",
            "cut it there into two recordings; if its end is missing, send it again",
            max_value=limits.gap_windows,
        ),
        between(
            "clipping",
            "clipped_share",
            f"less than {limits.clipped * 100:g} % of samples at full scale",
            "lower the gain or choose a wider full scale",
            max_value=limits.clipped,
            strict_max=True,
        ),
        between(
            "plateau",
            "plateau_share",
            f"less than {limits.plateau * 100:g} % of samples piled up at the largest value",
            "look for what saturates before the converter",
            max_value=limits.plateau,
            strict_max=True,
        ),
        between(
            "dc_offset",
            "dc_share",
            f"a mean within {limits.dc:g} of full scale",
            "check the sensor's offset and the unit",
            max_value=limits.dc,
        ),
        between(
            "level",
            "rms_share",
            "a level above 0 and within full scale",
            "check the unit and the sensor",
            min_value=0,
            strict_min=True,
            max_value=1,
        ),
    ]
