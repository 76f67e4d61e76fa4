"""Levels of a batch as a whole beside the version before, refused recordings included."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinyops.data.datasets.index import IndexRow
from tinyops.data.quality.comparison.seen import shown_before
from tinyops.data.quality.rules.rule import Rule
from tinyops.data.quality.signal_checks.levels import unit_groups, unit_levels
from tinyops.projects import Project


def before(project: Project, known: Sequence[IndexRow]) -> list[Rule]:
    """Rules about level and spectrum; none without `known`, the index of the version before."""
    from tinyops.data.quality.expectations import ExpectGroupsAsBefore

    if not known:
        return []
    limits, look = project.gate.limits, "look at it: a new state of the machine, or other labels"
    groups = unit_groups(project.signal)
    with np.errstate(divide="ignore"):
        levels = np.array(
            [np.log10(unit_levels(row.means, row.deviations, groups)).mean() for row in known]
        )
    shown = shown_before(known, levels)
    return [
        Rule(
            "level_as_before",
            f"levels within {limits.level_change:g} times the version before",
            look,
            ExpectGroupsAsBefore,
            {
                "column": "level",
                "before": shown.level,
                "most": limits.level_change,
                "decades": True,
            },
        ),
        Rule(
            "spectrum_as_before",
            f"centroids within {limits.spectrum_change:g} times the version before",
            look,
            ExpectGroupsAsBefore,
            {"column": "centroid_hz", "before": shown.centroid, "most": limits.spectrum_change},
        ),
    ]
