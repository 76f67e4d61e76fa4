"""Rings: alike everywhere, growing, and starting elsewhere for each release."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinyops.releases.rollout import Channel, in_ring

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


def test_devices_outside_the_open_ring_keep_the_previous_version() -> None:
    channel = Channel(project="p", version="v2", rings=[0.1, 1.0], ring=0, salt="s", previous="v1")
    versions = {channel.version_for(device) for device in FLEET}
    assert versions == {"v1", "v2"}
    everyone = channel.model_copy(update={"ring": 1})
    assert {everyone.version_for(device) for device in FLEET} == {"v2"}
