"""The story of a device as a picture: accuracy, verdicts and releases over its own time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from tinyops.printable import printable

# Okabe and Ito's palette, which colour-blind people can tell apart; bands also bear their names.
STATUS_COLOURS = {
    "none": "#009E73",
    "data drift": "#E69F00",
    "concept drift": "#CC79A7",
    "unknown": "#999999",
}
STATUS_WORDS = {"none": "no drift"}
_INK, _ESTIMATE, _BEFORE, _AFTER = "#222222", "#0072B2", "#D55E00", "#000000"
_PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0}
_SIZE, _DPI = (16.0, 9.0), 100
_LETTER = 0.008  # of the axis, as wide as a letter of a band's name


@dataclass(frozen=True)
class Judged:
    """A verdict from `start` to `end` in seconds; `estimate` is (accuracy, low, high), if any."""

    start: float
    end: float
    status: str
    estimate: tuple[float, float, float] | None


@dataclass(frozen=True)
class Happening:
    """Something at a moment: `lane` is the row that it is drawn in."""

    at: float
    lane: str
    text: str


@dataclass(frozen=True)
class Measured:
    """Accuracy on labelled windows; `before` a model was retrained on them, or after."""

    at: float
    accuracy: float
    text: str
    before: bool


LANES = ("labels asked for", "labels in", "release attested")


@dataclass(frozen=True)
class Story:
    """What is to be drawn, in seconds of the device's own time."""

    title: str
    subtitle: str
    virtual: bool
    verdicts: Sequence[Judged]
    measured: Sequence[Measured]
    happenings: Sequence[Happening]


def draw_story(story: Story, out: Path) -> Path:
    """Draw 1600x900 pixels as PNG into `out`, whose folder is made. Returns `out`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    scale, unit = _time_unit(story)
    figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(
        2, 1, sharex=True, height_ratios=[5, 1.5], gridspec_kw={"hspace": 0.06}
    )
    figure.subplots_adjust(left=0.1, right=0.97, top=0.86, bottom=0.17)
    title, subtitle = printable(story.title), printable(story.subtitle)
    figure.text(0.1, 0.945, title, fontsize=21, weight="bold", color=_INK, parse_math=False)
    figure.text(0.1, 0.9, subtitle, fontsize=14, color="#555555", parse_math=False)
    _verdicts(above, story.verdicts, scale)
    _measured(above, story.measured, scale)
    _happenings((above, below), story.happenings, scale)
    _frame(above, below, story, scale)
    kind = "virtual time of the device" if story.virtual else "time of the device"
    below.set_xlabel(f"{kind}, {unit}", fontsize=14)
    handles, names = above.get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        loc="lower center",
        ncol=4,
        fontsize=12,
        frameon=False,
        bbox_to_anchor=(0.53, 0.01),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=_DPI)
    return out


def _verdicts(axes: Any, verdicts: Sequence[Judged], scale: float) -> None:
    width = max((each.end for each in verdicts), default=0.0) / scale
    named: set[str] = set()
    for status, run in groupby(_abutting(verdicts), key=lambda each: each.status):
        group = list(run)
        start, end = group[0].start / scale, group[-1].end / scale
        colour = STATUS_COLOURS[status]
        words = STATUS_WORDS.get(status, status)
        # A band that is too narrow for its name has it in the legend.
        narrow = end - start < width * len(words) * _LETTER
        label = words if narrow and words not in named else None
        named |= {words}
        axes.axvspan(start, end, color=colour, alpha=0.16, linewidth=0)
        axes.axvspan(start, end, ymin=0.945, color=colour, linewidth=0, label=label)
        if narrow:
            continue
        axes.text(
            (start + end) / 2,
            0.9725,
            words,
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="center",
            fontsize=13,
            color=_INK,
            clip_on=True,
        )
    known = [(each.end / scale, *each.estimate) for each in verdicts if each.estimate]
    if known:
        ends, values, lows, highs = zip(*known, strict=True)
        below = [value - low for value, low in zip(values, lows, strict=True)]
        over = [high - value for value, high in zip(values, highs, strict=True)]
        axes.errorbar(
            ends,
            values,
            yerr=[below, over],
            fmt="o",
            color=_ESTIMATE,
            elinewidth=1.2,
            markersize=6,
            capsize=4,
            label="estimated from confidences, 95 %",
        )


def _abutting(verdicts: Sequence[Judged]) -> list[Judged]:
    """In order, each from where the one before ended: frame sets may overlap."""
    found: list[Judged] = []
    for each in sorted(verdicts, key=lambda verdict: verdict.end):
        start = max(each.start, found[-1].end) if found else each.start
        found.append(replace(each, start=start))
    return found


def _measured(axes: Any, measured: Sequence[Measured], scale: float) -> None:
    looks = {
        True: ("D", _BEFORE, "measured with labels, model before retraining"),
        False: ("s", _AFTER, "measured with labels, model as released"),
    }
    for before, (marker, colour, name) in looks.items():
        chosen = [each for each in measured if each.before is before]
        if not chosen:
            continue
        axes.plot(
            [each.at / scale for each in chosen],
            [each.accuracy for each in chosen],
            marker,
            color=colour,
            markersize=11,
            markeredgecolor="white",
            label=name,
            zorder=5,
            clip_on=False,
        )
        for each in chosen:
            axes.annotate(
                printable(f"{each.accuracy:.0%} {each.text}"),
                (each.at / scale, each.accuracy),
                xytext=(10, -16),
                textcoords="offset points",
                fontsize=12,
                color=colour,
                bbox=_PAPER,
                parse_math=False,
            )


def _happenings(pair: tuple[Any, Any], happenings: Sequence[Happening], scale: float) -> None:
    styles = dict(zip(LANES, ((":", "v"), ("--", "^"), ("-", "o")), strict=True))
    for each in happenings:
        line, marker = styles[each.lane]
        at, row = each.at / scale, LANES.index(each.lane)
        for axes in pair:
            axes.axvline(at, color=_INK, linestyle=line, linewidth=1.1, alpha=0.75)
        pair[1].plot([at], [row], marker, color=_INK, markersize=9)
        pair[1].annotate(
            printable(each.text),
            (at, row),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=12,
            color=_INK,
            bbox=_PAPER,
            parse_math=False,
        )


def _frame(above: Any, below: Any, story: Story, scale: float) -> None:
    ends = [each.end for each in story.verdicts] + [each.at for each in story.happenings]
    longest = max([*ends, scale]) / scale
    above.set_xlim(-0.01 * longest, 1.1 * longest)
    lows = [each.estimate[1] for each in story.verdicts if each.estimate]
    lows += [each.accuracy for each in story.measured]
    above.set_ylim(max(0.0, min([*lows, 0.6]) - 0.08), 1.06)
    above.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}" if value <= 1.0 else "")
    above.set_ylabel("accuracy", fontsize=14)
    above.grid(axis="y", color="#dddddd")
    above.set_axisbelow(True)
    below.set_yticks(range(len(LANES)), LANES, fontsize=12)
    below.set_ylim(len(LANES) - 0.5, -0.5)
    for axes in (above, below):
        axes.tick_params(labelsize=12)
        axes.spines[["top", "right"]].set_visible(False)


def _time_unit(story: Story) -> tuple[float, str]:
    longest = max([each.end for each in story.verdicts], default=0.0)
    return (3600.0, "hours") if longest > 3 * 3600 else (60.0, "minutes")
