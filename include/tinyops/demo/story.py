"""State of one run of `tinyops demo`, and the waits that its chapters are made of.

Every wait is for what the system itself has written to S3. The demo only plays the world and the
person: it changes what the virtual board senses and lets the simulated technician answer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from tinyops.demo.device_view import DeviceView, Sight
from tinyops.demo.follow import Arrival, Loop, follow
from tinyops.demo.loop_view import LoopView
from tinyops.demo.summary import report, total_seconds
from tinyops.errors import TinyOpsError
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.data.labels.label_request import LabelRequest
    from tinyops.local.stack import Stack
    from tinyops.projects import Project
    from tinyops.store import Store

POLL_SECONDS = 1.0


class DemoFailed(TinyOpsError):
    """The story stopped before its end."""


@dataclass
class Story:
    """One telling. `timeout` is of each wait, in seconds; `turns` and `facts` grow on the way."""

    console: Console
    stack: Stack
    store: Store
    project: Project
    device: str
    timeout: float
    turns: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def learn(self, arrival: str, kind: Arrival = "batch") -> Loop:
        """Follow data or labels until a board attests what came of them.

        Raises
        ------
        DemoFailed
            The loop stopped, a task failed for good, or it took too long.
        """
        deadline = time.monotonic() + self.timeout
        with LoopView(self.console, self.project, self.stack) as view:
            while True:
                loop = follow(self.store, self.project.name, arrival, kind)
                view.show(loop)
                if loop.attested:
                    break
                if loop.stopped:
                    raise DemoFailed(
                        f"the loop ended at {loop.stopped.name!r}: {loop.stopped.reason}",
                        f"look at the run in Airflow, and at {self.stack.log_dir}",
                    )
                view.raise_failed_task()
                waiting = next(stage.name for stage in loop.stages if stage.state != "done")
                self.go_on(deadline, f"no board attested; waiting for {waiting!r}")
        self.turns.append(report(self.stack, self.project, loop))
        seconds = total_seconds(loop)
        self.say(
            "✔", f"{self.device} runs {loop.release}, {seconds or 0:.0f} s after the data came"
        )
        return loop

    def judged(self, release: str, wanted: str, after: int = 0) -> Sight:
        """Wait until monitoring's verdict on the device, running this release, is `wanted`.

        Parameters
        ----------
        after
            Only of frames whose last counted window is later than this one.

        Raises
        ------
        DemoFailed
            It took too long.
        """
        deadline = time.monotonic() + self.timeout
        words = {"none": "a verdict without drift"}.get(wanted, f"the verdict {wanted!r}")
        with DeviceView(self.console, self.store, self.project, self.device, words) as view:
            while True:
                sight = view.look()
                if (sight.release, sight.status) == (release, wanted) and sight.last_window > after:
                    return sight
                self.go_on(deadline, f"monitoring did not come to {words}: {sight.words}")

    def request(self, release: str, kind: str) -> LabelRequest:
        """The open label request of a kind about a release; waits for it."""
        from tinyops.data.labels.label_request import open_requests

        deadline = time.monotonic() + self.timeout
        while True:
            for found in open_requests(self.store, self.project.name):
                if (found.release, found.kind) == (release, kind):
                    self.say("?", found.instructions)
                    return found
            self.go_on(deadline, f"no label request for {kind}")

    def set_world(self, changed: bool) -> None:
        """Tell the virtual board what to sense."""
        from tinyops.demo.world import ask_world

        ask_world(self._world_file, changed)

    def changed_at(self) -> int:
        """The window, since the device's boot, at which the changed world began; waits for it."""
        from tinyops.demo.world import served_since

        deadline = time.monotonic() + self.timeout
        while (began := served_since(self._world_file, changed=True)) is None:
            self.go_on(deadline, f"{self.device} has not taken {self._world_file}")
        return began

    @property
    def _world_file(self) -> Path:
        from tinyops.local.edge import world_file

        return world_file(self.stack.state_dir, self.device)

    def say(self, mark: str, words: str) -> None:
        """One line of the story."""
        self.console.print(f"{mark} {words}", markup=False, highlight=False, soft_wrap=True)

    def title(self, words: str) -> None:
        """The heading of a chapter."""
        self.console.print(f"\n[bold]{rich_text(words)}[/]", highlight=False)

    def go_on(self, deadline: float, problem: str) -> None:
        """Pause between two looks; DemoFailed when it took too long or the stack has ended."""
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"after {self.timeout:.0f} s {problem}",
                f"look at {self.stack.airflow.url} and {self.stack.log_dir}, or raise --timeout",
            )
        self.stack.require_alive()
        time.sleep(POLL_SECONDS)
