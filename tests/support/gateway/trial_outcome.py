"""Outcome of a flash trial for each board, and counts over many trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Mishap = Literal["none", "loss", "kill", "noise"]
"""The board loses power or plug; the gateway is killed; one byte in 10,000 is damaged."""
Quality = Literal["good", "mute", "wrong golden", "tampered", "another board's"]
"""Of a release: it never says HELLO, its model computes something else, its bytes are not those
that were signed, it names another kind of board."""
KILLED = "killed while "
"""Begins the mishap of a board that the gateway was killed beside; the journal's step follows."""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended for one board.

    Parameters
    ----------
    mishap
        What befell it: "power", "plug", "noise", "killed while <step>", or "" for nothing.
    confirmed
        Which image the gateway's journal says it runs, or the step that it has not come out of.
    shown
        Whether the board itself has shown that, after power off and on; else `problem` says why.
    """

    trial: str
    device: str
    quality: Quality
    mishap: str
    confirmed: str
    shown: bool
    problem: str

    @property
    def accepted_wrong(self) -> bool:
        """Whether a release was taken that is none."""
        return self.quality != "good" and self.confirmed == "new"

    @property
    def right(self) -> bool:
        """Whether the board runs what it should; over a noisy line the old image may be back."""
        allowed = {"new"} if self.quality == "good" else {"old"}
        if self.mishap == "noise":
            allowed.add("old")
        return self.shown and self.confirmed in allowed


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Counts, and the outcomes that are not as they should be."""
    mishaps = Counter(outcome.mishap for outcome in outcomes)
    ends = Counter(outcome.confirmed for outcome in outcomes)
    hit = {name: count for name, count in mishaps.items() if name.startswith(KILLED)}
    return {
        "runs": len(outcomes),
        "power_cuts": mishaps["power"],
        "plugs_pulled": mishaps["plug"],
        "flashes_the_kills_hit": sum(hit.values()),
        "noisy_flashes": mishaps["noise"],
        "wrong_releases": sum(outcome.quality != "good" for outcome in outcomes),
        "ended_on_the_new_image": ends["new"],
        "ended_on_the_old_image": ends["old"],
        "without_a_bootable_attested_image": sum(not outcome.shown for outcome in outcomes),
        "wrong_images_accepted": sum(outcome.accepted_wrong for outcome in outcomes),
        "not_as_they_should": [str(each) for each in outcomes if not each.right],
    }
