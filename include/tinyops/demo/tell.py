"""The chapters of `tinyops demo`: learn, the world changes, a person labels, the board follows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tinyops.demo import fleet, technician
from tinyops.demo.device_view import Sight
from tinyops.demo.follow import Loop
from tinyops.demo.story import Story
from tinyops.demo.summary import total_seconds


def tell(story: Story, batch: str, concept: bool) -> None:
    """The whole story, from a first batch that has just landed."""
    story.title("The model learns")
    first = story.learn(batch)
    story.title("The board reports; nothing has changed")
    healthy = story.judged(first.release, "none")
    story.say("✔", f"{story.device}: {healthy.words}")
    drifted = _change(story, first, healthy)
    request = story.request(first.release, "data drift")
    story.say("☞", "the simulated technician brings labelled recordings of the new condition")
    answer = technician.answer_data_drift(story.store, story.project, request)
    second = story.learn(answer)
    story.facts["labels_to_attested_seconds"] = total_seconds(second)
    beside = fleet.begin(story)
    story.title("The board reports with the new reference")
    clear = story.judged(second.release, "none")
    story.say("✔", f"{story.device}: {clear.words}")
    story.facts |= _accuracy(story, second) | {"alarm": drifted.content, "clear": clear.content}
    story.facts["picture"] = str(_picture(story))
    if beside is not None:
        story.facts["fleet"] = fleet.arrive(*beside)
    story.facts["seconds_until_clear"] = round(time.monotonic() - story.began, 1)
    if concept:
        _concept(story, second, clear)
        _picture(story)


def _change(story: Story, learnt: Loop, healthy: Sight) -> Sight:
    simulated = "the simulated machines" if story.project.source.simulated else "the people"
    story.title("The world changes")
    story.set_world(changed=True)
    changed_at = story.changed_at()
    story.say("!", f"from window {changed_at} on the virtual board senses {simulated} that changed")
    sight = story.judged(learnt.release, "data drift", after=healthy.last_window)
    every = story.project.monitoring.every
    windows = (sight.last_window + 1) * every - changed_at
    story.facts["windows_to_verdict"] = windows
    story.say("✘", f"{story.device}: {sight.words}; found {windows} windows after the change")
    return sight


def _concept(story: Story, learnt: Loop, clear: Sight) -> None:
    story.title("The same inputs mean something else")
    one, other = technician.exchanged(story.project)
    story.say(
        "!", f"from now on people call {one!r} what was {other!r}, and {other!r} what was {one!r}"
    )
    unmoved = story.judged(learnt.release, "none", after=clear.last_window)
    story.say("·", f"inputs alone cannot show it: {unmoved.words}")
    story.say("☞", "the simulated technician audits some recordings under the new meaning")
    technician.audit_new_meaning(story.store, story.project)
    sight = story.judged(learnt.release, "concept drift")
    story.say("✘", f"{story.device}: {sight.words}")
    request = story.request(learnt.release, "concept drift")
    story.say("☞", "the simulated technician relabels what was asked for")
    answer = technician.answer_concept_drift(story.store, story.project, request)
    third = story.learn(answer, "labels")
    again = story.judged(third.release, "none")
    story.say("✔", f"{story.device}: {again.words}")
    story.facts |= {"unmoved": unmoved.content, "concept": sight.content}
    story.facts["concept_clear"] = again.content


def _picture(story: Story) -> Path:
    """Draw accuracy, verdicts and releases over virtual time."""
    from tinyops.monitoring.story import story_picture

    out = story.stack.state_dir / f"story-{story.project.name}.png"
    with story.console.status("drawing the picture"):
        story_picture(story.store, story.project, out, story.device)
    story.console.print()
    story.say("▣", f"the picture of it: {out}")
    return out


def _accuracy(story: Story, loop: Loop) -> dict[str, Any]:
    """What the retrained model gained on the new condition, and what it forgot of the old one."""
    from tinyops.store import layout

    folder = layout.candidate(story.project.name, loop.release)
    metrics: dict[str, Any] = story.store.get_json(folder + layout.METRICS)
    return {name: metrics[name] for name in ("new_condition", "old_test")}
