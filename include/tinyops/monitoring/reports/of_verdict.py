"""The figures at the head of a report, from the content of verdict.json."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

from tinyops.monitoring.reports.statistic import Statistic
from tinyops.sketches.components import FEATURE_NAMES


def headline(verdict: dict[str, Any]) -> Statistic:
    """What TinyOps says; 1 for a drift."""
    status = verdict["status"]
    words = "no drift" if status == "none" else status
    board = "virtual board" if verdict["virtual"] else "board"
    name = f"Verdict of TinyOps: {board} {verdict['device']}, release {verdict['release']}"
    return Statistic(name, float(status.endswith("drift")), words, verdict["reason"], wide=True)


def drift_statistics(verdict: dict[str, Any]) -> list[Statistic]:
    """The figures of the frame set; the verdict has evidence."""
    accuracy = verdict["estimated_accuracy"]
    alone = f"{1 / verdict['false_alarm_rate']:,.0f}"
    return [
        headline(verdict),
        Statistic(
            "Distance from the reference, T²",
            verdict["statistic"],
            f"{verdict['statistic']:.1f}",
            f"threshold {verdict['threshold']:.1f}: 1 false alarm in {alone} frame sets",
        ),
        Statistic(
            "p-value without drift",
            verdict["p"],
            f"≤ {verdict['p']:.1g}",
            "upper bound from the Monte Carlo of the reference",
        ),
        Statistic(
            "Estimated accuracy",
            accuracy["value"],
            f"{accuracy['value']:.0%}",
            f"95 % interval {accuracy['low']:.0%} to {accuracy['high']:.0%}, "
            "if confidences mean what they meant",
        ),
        _out_of_range(verdict["effects"]),
        _moved(verdict["moved"]),
    ]


def label_statistics(verdict: dict[str, Any]) -> list[Statistic]:
    """The figures of the labelled windows; the verdict has a residual."""
    residual = verdict["residual"]
    return [
        headline(verdict),
        Statistic(
            "Residual of the labels, z",
            residual["z"],
            f"{residual['z']:.2f}",
            f"concept drift below {NormalDist().inv_cdf(residual['alpha']):.2f}",
        ),
        Statistic(
            "Accuracy on labelled windows",
            residual["accuracy"],
            f"{residual['accuracy']:.0%}",
            f"{residual['expected']:.0%} expected from their confidences; "
            f"{residual['labels']} windows of {residual['recordings']} recordings",
        ),
    ]


def _out_of_range(effects: list[dict[str, Any]]) -> Statistic:
    rows = list(zip(FEATURE_NAMES, effects, strict=True))
    feature, most = max(rows, key=lambda row: float(row[1]["out_of_range"]))
    share, expected = most["out_of_range"], most["expected_out_of_range"]
    return Statistic(
        "Out of range", share, f"{share:.1%}", f"of windows in {feature}; {expected:.1%} expected"
    )


def _moved(moved: list[dict[str, Any]]) -> Statistic:
    said = [f"{each['feature']} {each['how']}" for each in moved]
    first, *others = said or ["nothing notable"]
    farthest = abs(moved[0]["z"]) if moved else 0.0
    note = f"by {farthest:.1f} standard deviations; {', '.join(others[:3]) or 'nothing else'}"
    return Statistic("What moved", farthest, first, note if moved else "", wide=True)
