"""Conditions about people are found, those about machines are not."""

from __future__ import annotations

import pytest

from tests.support.data.recording_maker import PROJECT, recording
from tinyops.data.quality.gate import check
from tinyops.data.quality.personal_fields import looks_personal, personal_field
from tinyops.projects.gate_section import Privacy

ABOUT_PEOPLE = """
operator operator_id name first_name lastName e-mail email contactEmail phone phone_number
home_address birth_date dateOfBirth gps_lat gps lat lon latitude geo user userName age gender
technician badge_photo
"""
ABOUT_MACHINES = """
load speed_rpm rpm machine_name motor_age bearing_age latency plate long_run operating_point
cooperation stage voltage language damage image_rate mount simulated resampled duration_s
bus_address modbus_address device_location torque_nm shaft_hz load_hp gain channel_name sensor_name
weight speed temperature_c percent average_ms place_of_mounting
"""
PERSONAL, OF_MACHINES = ABOUT_PEOPLE.split(), ABOUT_MACHINES.split()


@pytest.mark.parametrize("name", PERSONAL)
def test_names_about_people(name: str) -> None:
    assert looks_personal(name)
    assert personal_field({name: "x"}, ()) == f"condition {name!r}"
    assert personal_field({name: "x"}, {name: "why"}) is None


@pytest.mark.parametrize("name", OF_MACHINES)
def test_names_about_machines(name: str) -> None:
    assert not looks_personal(name)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("ada@example.org", "an e-mail address"),
        ("asked Ada <ada.l@mail.example.org>", "an e-mail address"),
        ("+49 170 1234567", "a phone number"),
        ("0170 1234567", "a phone number"),
        ("(0351) 463-1234", "a phone number"),
    ],
)
def test_values_about_people(value: str, kind: str) -> None:
    assert personal_field({"note": value}, ()) == f"{kind} in condition 'note'"


@pytest.mark.parametrize(
    "value",
    [
        "0.52",
        "1797",
        "2026-01-31",
        "01-02-2026",
        "2026-01-31T12:00:00Z",
        "-3.5e-4",
        "12 000 Hz",
        "polyphase from 48000 Hz",
        "0.5-2.0",
        "10.0.0.1",
        "IR_7@6",
        "m/s^2",
        "48000",
        "0x1F",
    ],
)
def test_values_about_machines(value: str) -> None:
    assert personal_field({"note": value}, ()) is None


def test_the_gate_sets_them_aside_unless_declared() -> None:
    made = [recording("a", conditions={"operator": "ada"}), recording("b"), recording("c")]
    (refusal,) = check(made, PROJECT).refusals
    assert refusal.recording_id == "a"
    assert "condition 'operator'" in refusal.reasons[0]
    assert "privacy.personal_fields" in refusal.fixes[0]
    privacy = Privacy(personal_fields={"operator": "who to ask about a recording"})
    assert check(made, PROJECT.model_copy(update={"privacy": privacy})).refusals == ()
