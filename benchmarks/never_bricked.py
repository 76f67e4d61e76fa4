"""Never bricks one: flashes that are cut off at random bytes, on virtual boards of each kind.

The trials of tests/support/gateway/flash_trials.py: eight boards of a kind flash at once, through a
real gateway process against the embedded S3 server, and each counts as one run. Boards lose power
or plug, the gateway is killed, some releases are wrong; then trials on a line that damages one byte
in 10,000.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.gateway_footprint import released
from benchmarks.report import Report, options
from tinyops.boards.virtual import BOARDS

SEED = 7
AT_ONCE = 8
CUT_OFF, NOISY = 200, 50
"""How often a board's flash is cut off, and how often it is flashed over a noisy line."""


def measure(folder: Path, board: str, share: float) -> dict[str, Any]:
    """A share of all trials on boards of one kind."""
    from tests.support.gateway.flash_trials import Trials, until_befallen
    from tests.support.gateway.gateway_bench import build_tiny
    from tests.support.gateway.virtual_fleet import VirtualFleet

    began = time.monotonic()
    image = build_tiny(board)
    with (
        released(folder, image) as store,
        VirtualFleet(folder / "fleet", {board: image}, [board] * AT_ONCE) as fleet,
    ):
        trials = Trials(fleet, store, SEED)
        trials.commission()
        for outcomes in itertools.chain(
            until_befallen(trials, ("loss", "kill"), CUT_OFF * share),
            until_befallen(trials, ("noise",), NOISY * share),
        ):
            print(board, outcomes[0].trial, outcomes[0].quality, flush=True)
            for outcome in outcomes:
                if not outcome.right:
                    print(outcome, flush=True)
    return trials.figures() | {"seconds": round(time.monotonic() - began)}


def main() -> None:
    """Run all kinds and write benchmarks/results/never_bricked.json."""
    report = Report("never_bricked", options(__doc__).quick)
    share = 0.05 if report.quick else 1.0
    figures = {}
    for board in BOARDS:
        with tempfile.TemporaryDirectory(prefix="tinyops-bench-") as name:
            figures[board] = measure(Path(name), board, share)
    report.figures = {"seed": SEED, "boards_at_once": AT_ONCE, "never_bricked_by_board": figures}
    for board, found in figures.items():
        cut_off = found["power_cuts"] + found["plugs_pulled"] + found["flashes_the_kills_hit"]
        report.at_least(f"{board}: flashes cut off", cut_off, CUT_OFF * share)
        lost = found["without_a_bootable_attested_image"]
        report.at_most(f"{board}: without a bootable attested image", lost, 0)
        accepted = found["wrong_images_accepted"]
        report.at_most(f"{board}: wrong images accepted", accepted, 0)
    report.finish()


if __name__ == "__main__":
    main()
