"""How a recording looks among the others of its batch and of the dataset."""

from __future__ import annotations

from tinyops.data.quality.rules.kinds import between, empty
from tinyops.data.quality.rules.rule import Rule
from tinyops.projects import Project


def among(project: Project) -> list[Rule]:
    """Rules about a recording among comparable ones."""
    limits = project.gate.limits
    return [
        empty(
            "dead_channel",
            "dead_channel",
            "every channel to move as it does elsewhere",
            "check that channel's sensor and cable",
        ),
        empty(
            "swapped_channels",
            "swapped",
            "channels in the order of the device's other recordings",
            "put the channels into that order, or turn the sensor back",
        ),
        empty(
            "unit_slip",
            "unit_slip",
            "a level in the unit of comparable recordings",
            "convert the file to the project's unit",
        ),
        empty(
            "known_machine",
            "new_machine",
            "a machine that the dataset knows",
            "nothing, if it is new; else correct machine_id",
        ),
        between(
            "overlap",
            "overlap_s",
            "at most 0: ended before the device's next recording began, not overlapping in time",
            "correct recorded_at",
            max_value=0.001,
        ),
        between(
            "energy",
            "energy",
            f"at most {limits.energy:g} times beyond what its class has ever shown",
            "look at it: a new state of the machine, or a changed gain",
            max_value=limits.energy,
        ),
    ]
