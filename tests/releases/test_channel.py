"""Rings: alike everywhere, growing, starting elsewhere for each release; the rest is stable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyops.releases.errors import ReleaseError
from tinyops.releases.rollout import (
    Channel,
    in_ring,
    next_channel,
    open_ring,
    require_canary,
    roll_back,
)

FLEET = [f"device-{number}" for number in range(4000)]


def test_a_ring_holds_about_its_share() -> None:
    for share in (0.01, 0.1, 0.5):
        held = sum(in_ring(device, "salt", share) for device in FLEET) / len(FLEET)
        assert abs(held - share) < 0.03


@given(st.text(), st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_wider_ring_contains_the_narrower(device: str, salt: str, a: float, b: float) -> None:
    narrow, wide = sorted((a, b))
    assert not in_ring(device, salt, narrow) or in_ring(device, salt, wide)
    assert in_ring(device, salt, 1.0)
    assert not in_ring(device, salt, 0.0)


def test_another_salt_begins_with_other_devices() -> None:
    first = {device for device in FLEET if in_ring(device, "v1", 0.1)}
    second = {device for device in FLEET if in_ring(device, "v2", 0.1)}
    assert len(first & second) < 0.25 * len(first)


def fleet(channel: Channel) -> Counter[str]:
    """Number of devices by the version they are told to run."""
    return Counter(channel.version_for(device) for device in FLEET)


def trial(current: Channel | None, version: str, rings: Sequence[float] = (0.1, 1.0)) -> Channel:
    return next_channel(current, "demo", version, [*rings])


@pytest.fixture
def v1() -> Channel:
    """v1, promoted to all devices."""
    return open_ring(trial(None, "v1"), 1)


def test_a_first_release_leaves_devices_outside_its_ring_alone() -> None:
    first = trial(None, "v1")
    assert (first.stable, first.trial) == ("", "v1")
    assert fleet(first).keys() == {"v1", ""}
    assert fleet(first)["v1"] == pytest.approx(400, abs=120)
    promoted = open_ring(first, 1)
    assert (promoted.stable, promoted.trial) == ("v1", "")
    assert fleet(promoted) == {"v1": len(FLEET)}


def test_a_release_with_one_ring_is_stable_at_once() -> None:
    assert trial(None, "v1", (1.0,)).stable == "v1"


def test_a_fix_after_a_failed_canary_keeps_the_bad_version_from_everybody(v1: Channel) -> None:
    bad = trial(v1, "v2-bad")
    assert fleet(bad).keys() == {"v1", "v2-bad"}
    fix = trial(bad, "v3-fix")
    assert fix.stable == "v1"
    assert fleet(fix).keys() == {"v1", "v3-fix"}
    assert fleet(fix)["v1"] > 0.8 * len(FLEET)
    assert fleet(open_ring(fix, 1)) == {"v3-fix": len(FLEET)}


@pytest.mark.parametrize("how", [roll_back, lambda bad: trial(bad, "v1")])
def test_a_rollback_brings_everybody_to_the_stable_version(
    v1: Channel, how: Callable[[Channel], Channel]
) -> None:
    back = how(trial(v1, "v2-bad"))
    assert (back.version, back.stable, back.trial) == ("v1", "v1", "")
    assert fleet(back) == {"v1": len(FLEET)}
    assert open_ring(back, 1) == back
    assert fleet(trial(back, "v3")).keys() == {"v1", "v3"}


def test_a_wider_ring_of_a_trial_promotes_nothing(v1: Channel) -> None:
    wider = open_ring(trial(v1, "v2", (0.1, 0.5, 1.0)), 1)
    assert (wider.stable, wider.trial) == ("v1", "v2")
    assert open_ring(wider, 0).share == 0.1
    assert open_ring(wider, 2).stable == "v2"


def test_what_has_no_meaning_is_refused(v1: Channel) -> None:
    with pytest.raises(ReleaseError, match="no stable version to roll back to"):
        roll_back(trial(None, "v1"))
    with pytest.raises(ReleaseError, match=r"no ring 2.*0 to 1"):
        open_ring(v1, 2)
    with pytest.raises(ReleaseError, match=r"v1 was promoted.*share 0\.1 has no meaning"):
        open_ring(v1, 0)


@given(st.sets(st.text(min_size=1, max_size=8), min_size=1, max_size=5), st.floats(0, 0.99))
def test_an_empty_ring_is_refused_with_the_smallest_share_that_is_not(
    devices: set[str], share: float
) -> None:
    channel = trial(None, "v1", (share, 1.0))
    if any(in_ring(device, channel.salt, share) for device in devices):
        return require_canary(channel, devices)
    with pytest.raises(ReleaseError, match="ring 0 holds no device") as caught:
        require_canary(channel, devices)
    smallest = float(caught.value.message.rpartition(" ")[2])
    assert any(in_ring(device, channel.salt, smallest) for device in devices)
    assert not any(in_ring(device, channel.salt, smallest - 1e-4) for device in devices)
    assert f"to {smallest:g} or more" in caught.value.fix
    require_canary(open_ring(channel, 1), devices)
    require_canary(channel, set())
