"""What monitoring says of one device while somebody waits for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console

from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.projects import Project
    from tinyops.store import Store


@dataclass(frozen=True)
class Sight:
    """The newest verdict on a device, as monitoring wrote it; empty before the first."""

    content: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """None, data drift, concept drift or unknown, as text; empty before the first verdict."""
        return str(self.content.get("status", ""))

    @property
    def release(self) -> str:
        """The release that the judged frames came from."""
        return str(self.content.get("release", ""))

    @property
    def last_window(self) -> int:
        """The last counted window, since the device's boot, that was judged."""
        return int(self.content.get("frames", {}).get("last_window", 0))

    @property
    def words(self) -> str:
        """One line."""
        if not self.content:
            return "no verdict yet"
        parts = [self.status]
        if self.content.get("statistic") is not None:
            parts.append(f"T² {self.content['statistic']:.1f} of {self.content['threshold']:.1f}")
        if accuracy := self.content.get("estimated_accuracy"):
            parts.append(
                f"estimated accuracy {accuracy['value']:.2f} "
                f"({accuracy['low']:.2f} to {accuracy['high']:.2f})"
            )
        if self.status != "none":
            parts = [f"{self.status}: {self.content.get('reason', '')}", *parts[2:]]
        return ", ".join(filter(None, parts))


def look(store: Store, project: str, device: str) -> Sight:
    """The newest verdict on a device."""
    from tinyops.store import Pointer, layout

    pointer: dict[str, Any] = store.get_json_or(layout.pointer(project, Pointer.VERDICT), {})
    return Sight(pointer.get("devices", {}).get(device, {}))


class DeviceView:
    """A spinner with the newest verdict on a terminal, a line for each new one elsewhere."""

    def __init__(
        self, console: Console, store: Store, project: Project, device: str, what: str
    ) -> None:
        self.console, self.store, self.project, self.device = console, store, project, device
        self.what = what
        self.status = console.status(f"waiting for {what}")
        self.said = ""

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.status.start()
        else:
            self.console.print(f"waiting for {self.what}", highlight=False)
        return self

    def __exit__(self, *exc: object) -> None:
        if self.console.is_terminal:
            self.status.stop()

    def look(self) -> Sight:
        """The newest verdict, shown when it is new."""
        sight = look(self.store, self.project.name, self.device)
        if self.console.is_terminal:
            said = f"waiting for {self.what}; {self.device}: {sight.words}"
            self.status.update(rich_text(said))
        elif sight.words != self.said:
            said = f"  {self.device}: {sight.words}"
            self.console.print(said, markup=False, highlight=False, soft_wrap=True)
        self.said = sight.words
        return sight
