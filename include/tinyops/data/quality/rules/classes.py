"""Classes of the recordings that are accepted, with those of the version before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tinyops.data.datasets.index import IndexRow
from tinyops.data.datasets.split import find_group, group_facts, part_of
from tinyops.data.quality.comparison.seen import class_shares
from tinyops.data.quality.rules.rule import Rule
from tinyops.projects import Project
from tinyops.projects.split_section import Split


def classes(project: Project, known: Sequence[IndexRow]) -> list[Rule]:
    """Rules about what the next version will hold; `known` is the index of the version before."""
    from tinyops.data.quality.expectations import (
        ExpectClassesToBeBalanced,
        ExpectClassSharesAsBefore,
        ExpectEveryClassInEveryPart,
    )

    limits = project.gate.limits
    rules = [
        Rule(
            "class_coverage",
            "each class in train, validation and test",
            "send recordings of the class, of more groups; until then nothing is trained",
            ExpectEveryClassInEveryPart,
            {
                "column": "class_in_part",
                "classes": project.labels,
                "known": _by_part(project.split, known),
            },
        ),
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
        ),
    ]
    if known:
        rules.append(
            Rule(
                "classes_as_before",
                f"shares of classes within {limits.share_change:g} of the version before",
                "record what is missing, if it is",
                ExpectClassSharesAsBefore,
                {"column": "label", "before": class_shares(known), "most": limits.share_change},
            )
        )
    return rules


def _by_part(split: Split, known: Sequence[IndexRow]) -> dict[str, dict[str, int]]:
    """{part: {class: recordings}}; a recording that the split no longer finds a group for is
    left out."""
    counts: dict[str, Counter[str]] = {}
    for row in known:
        if (group := find_group(split, *group_facts(row))) is not None:
            counts.setdefault(part_of(group, split), Counter())[row.label] += 1
    return {part: dict(each) for part, each in counts.items()}
