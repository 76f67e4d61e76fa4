"""What `tinyops profile` prints: the layers with their share of the instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.conversion.images.profile import Profile
    from tinyops.conversion.images.tune import Search


def show_profile(profile: Profile, console: Console) -> None:
    """Print the layers in their order, then the sum."""
    table = Table("", "layer", "kernel", "", "instructions", "share")
    for column in (0, 4, 5):
        table.columns[column].justify = "right"
    own = profile.tuning.specialised
    for number, step in enumerate(profile.steps):
        count = profile.instructions[number]
        table.add_row(
            str(number),
            rich_text(step.name),
            rich_text(step.kernel),
            "own code" if number in own else "shared",
            f"{count:,}",
            f"{count / max(profile.total, 1):.1%}",
        )
    console.print(table)
    console.print(
        f"{profile.total:,} instructions an inference with {profile.tuning.level}, code and "
        f"constants of the model {profile.model_bytes:,} bytes"
    )


def show_search(search: Search, console: Console) -> None:
    """Print what was tried, then the best of it layer by layer."""
    table = Table("level", "steps with own code", "instructions", "bytes", "")
    for column in (1, 2, 3):
        table.columns[column].justify = "right"
    for each in search.tried:
        table.add_row(
            each.tuning.level,
            f"{len(each.tuning.specialised)} of {len(each.steps)}",
            f"{each.total:,}",
            f"{each.model_bytes:,}",
            "[green]best" if each == search.best else "",
        )
    console.print(table)
    show_profile(search.best, console)
