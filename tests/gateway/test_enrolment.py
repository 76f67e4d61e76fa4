"""Which board a device is: a name that another got, boards that were swapped, enrolling anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from tests.gateway.test_connection import usb_port, version
from tests.support.gateway.frame_device import HEADER, ScriptedDevice
from tests.support.gateway.gateway_bench import (
    DEVICE,
    Bench,
    release,
    renamed,
    running,
    wait_for,
)
from tinyops.boards.errors import PortLost
from tinyops.boards.image import Image
from tinyops.boards.usb import PortIdentity
from tinyops.boards.virtual import BOARDS
from tinyops.boards.virtual.chip_id import chip_id
from tinyops.boards.virtual.nano33ble import Nano33Ble
from tinyops.cli.main import main
from tinyops.gateway.connection import Connection
from tinyops.gateway.database import Database
from tinyops.gateway.enrolment import BoardIdentity, Enrolment
from tinyops.gateway.errors import StrangeBoard


@pytest.fixture
def enrolment(tmp_path: Path) -> Enrolment:
    return Enrolment(Database(tmp_path / "journal.db"), DEVICE)


def bind(connection: Connection) -> None:
    with connection.link() as link:
        hello = link.hello(1.0, attempts=3)
        connection.recognise(hello)
        connection.bind(hello)
    connection.close()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_usb_serial_number_wins_over_the_name_that_another_device_got(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enrolment: Enrolment, restarted: bool
) -> None:
    name, other = tmp_path / "ttyACM0", tmp_path / "ttyACM1"
    ports: list[ListPortInfo] = []
    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    connection = Connection(PortIdentity(str(name)), 115200, enrolment)
    with ScriptedDevice(name, HEADER):
        ports[:] = [usb_port(name, "A1")]
        bind(connection)
    if restarted:
        connection = Connection(PortIdentity(str(name)), 115200, enrolment)
    with ScriptedDevice(name, HEADER):
        ports[:] = [usb_port(name, "B2")]
        with pytest.raises(PortLost, match=r"is another USB device now.*A1") as caught:
            version(connection)
        assert f"tinyops gateway enrol {DEVICE}" in caught.value.fix
        with ScriptedDevice(other, HEADER):
            ports.append(usb_port(other, "A1"))
            assert connection.path() == str(other.resolve())
            assert version(connection) == HEADER.version
            connection.close()
        enrolment.clear()
        ports[:] = [usb_port(name, "B2")]
        assert version(connection) == HEADER.version
        connection.close()


def test_a_number_that_two_ports_share_is_not_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enrolment: Enrolment
) -> None:
    name, other = tmp_path / "ttyUSB0", tmp_path / "ttyUSB1"
    with ScriptedDevice(name, HEADER), ScriptedDevice(other, HEADER):
        ports = [usb_port(name, "0001"), usb_port(other, "0001")]
        monkeypatch.setattr(list_ports, "comports", lambda: ports)
        bind(Connection(PortIdentity(str(name)), 115200, enrolment))
        assert enrolment.identity.usb_serial == ""


def test_another_chip_is_a_stranger_and_one_without_a_number_is_not(
    tmp_path: Path, enrolment: Enrolment
) -> None:
    connection = Connection(PortIdentity(str(tmp_path / "tty")), 115200, enrolment)
    with ScriptedDevice(tmp_path / "tty", HEADER) as device:
        bind(connection)
        assert enrolment.identity == BoardIdentity()
        device.chip_id = bytes(range(8))
        bind(connection)
        assert enrolment.identity == BoardIdentity("0001020304050607")
        device.chip_id = bytes(8)
        bind(connection)
        device.chip_id = bytes(range(1, 9))
        with pytest.raises(StrangeBoard, match="has chip 0102030405060708, expected 0001020304"):
            bind(connection)
        enrolment.clear()
        bind(connection)
        assert enrolment.identity == BoardIdentity("0102030405060708")
        connection.close()


@pytest.mark.slow
def test_a_swapped_board_is_not_written_until_a_person_enrols_it(
    bench: Bench, built: Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.place(built)
    release(bench.store, built)
    second = renamed(built, "v2")
    with running(bench.gateway()) as gateway:
        worker = gateway.workers[0]
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested", pause=0.05)
        mine = bench.board.chip_id.hex()
        bench.board.unplug()
        wait_for(lambda: bench.board.mode == "off", "unplugged", pause=0.05)
        with Nano33Ble(bench.board.port, tmp_path / "stranger") as stranger:
            stranger.flash.write(built.offset, built.bytes)
            stranger.press_reset()
            wait_for(lambda: "has chip" in worker.action, "the stranger noticed", pause=0.05)
            assert f"has chip {stranger.chip_id.hex()}, expected {mine}" in worker.action
            release(bench.store, second)
            project = worker.device.project
            wait_for(lambda: gateway._watch.wanted(project, DEVICE) == "v2", "v2 wanted")
            wait_for(lambda: worker.state.failures > 2, "tries", pause=0.05)
            assert stranger.flash.read(built.offset, len(built.bytes)) == built.bytes
            command = ["gateway", "enrol", DEVICE, "--config", str(bench.config), "--json"]
            assert main(command) == 0
            assert json.loads(capsys.readouterr().out)["was"]["chip_id"] == mine
            wait_for(lambda: bench.saw("attested", "v2"), "v2 attested", pause=0.05)
            assert worker.action == ""
            assert stranger.flash.read(built.offset, len(built.bytes)) == second.bytes
    actions = [event for event in bench.events() if event.kind == "action_needed"]
    assert [f"gateway enrol {DEVICE}" in event.detail for event in actions] == [True]


def test_an_unknown_device_cannot_be_enrolled(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gateway", "enrol", "nobody", "--config", str(bench.config)]) == 1
    assert f"unknown device 'nobody' -> Use one of: {DEVICE}." in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "numbered"),
    [("nano33ble-sense", True), ("esp-eye", True), ("himax-we1-plus", False)],
)
def test_a_virtual_board_reports_a_number_of_its_own_that_it_keeps(
    tmp_path: Path, kind: str, numbered: bool
) -> None:
    from tests.support.chip import tiny_image

    image = tiny_image("tiny", kind).image
    with BOARDS[kind](tmp_path / "tty", tmp_path / "board") as board:
        board.flash.write(image.offset, image.bytes)
        board.press_reset()
        wait_for(lambda: board.mode == "application", "boot", 10, 0.02)
        connection = Connection(PortIdentity(str(board.port)), 115200)
        with connection.link() as link:
            seen = link.hello(0.4, attempts=20).chip_id
        connection.close()
    assert seen == (board.chip_id.hex() if numbered else "")
    assert chip_id(tmp_path / "board" / "chip-id") == board.chip_id
    assert chip_id(tmp_path / "another" / "chip-id") != board.chip_id
