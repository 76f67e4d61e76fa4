"""How a batch as a whole looks beside the version before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tinyops.data.datasets.index import IndexRow
from tinyops.data.quality.comparison.seen import shown_before
from tinyops.data.quality.rules.kinds import empty
from tinyops.data.quality.rules.rule import Rule
from tinyops.data.quality.signal_checks.levels import unit_groups, unit_levels
from tinyops.projects import Project


def before(project: Project, known: Sequence[IndexRow]) -> list[Rule]:
    """Rules about classes and machines; `known` is the index of the version before."""
    from tinyops.data.quality.expectations import (
        ExpectClassesToBeBalanced,
        ExpectClassSharesAsBefore,
        ExpectGroupsAsBefore,
    )

    limits, look = project.gate.limits, "look at it: a new state of the machine, or other labels"
    rules = [
        Rule(
            "class_balance",
            f"at most {limits.imbalance:g} times as many of the largest class as of the smallest",
            "record the rare class, or fewer of the frequent one",
            ExpectClassesToBeBalanced,
            {
                "column": "label",
                "classes": project.labels,
                "known": dict(Counter(row.label for row in known)),
                "most": limits.imbalance,
            },
        )
    ]
    if not known:
        return rules
    groups = unit_groups(project.signal)
    with np.errstate(divide="ignore"):
        levels = np.array(
            [np.log10(unit_levels(row.means, row.deviations, groups)).mean() for row in known]
        )
    shown = shown_before(known, levels)
    return [
        *rules,
        empty(
            "known_machine",
            "new_machine",
            "a machine that the dataset knows",
            "nothing, if it is new; else correct machine_id",
        ),
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
        Rule(
            "classes_as_before",
            f"shares of classes within {limits.share_change:g} of the version before",
            "record what is missing, if it is",
            ExpectClassSharesAsBefore,
            {"column": "label", "before": shown.classes, "most": limits.share_change},
        ),
    ]
