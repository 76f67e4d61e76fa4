"""A device's port stays open between visits, and is found again after it was lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from tests.support.gateway.frame_device import HEADER, ScriptedDevice
from tests.support.gateway.gateway_bench import wait_for
from tinyops.boards import messages
from tinyops.boards.errors import PortLost
from tinyops.boards.frames import Frame, encode
from tinyops.boards.link import LinkTimeout
from tinyops.boards.transport import SerialPort
from tinyops.boards.usb import PortIdentity, touch_1200
from tinyops.gateway.connection import Connection


@pytest.fixture
def device(tmp_path: Path) -> Iterator[ScriptedDevice]:
    with ScriptedDevice(tmp_path / "tty", HEADER) as device:
        yield device


@pytest.fixture
def connection(device: ScriptedDevice, tmp_path: Path) -> Iterator[Connection]:
    made = Connection(PortIdentity(str(tmp_path / "tty")), 115200)
    yield made
    made.close()


def version(connection: Connection) -> str:
    with connection.link() as link:
        return link.hello(1.0, attempts=3).image.version


def test_one_link_serves_all_visits_and_the_port_is_held_meanwhile(connection: Connection) -> None:
    with connection.link() as first:
        first.hello(1.0)
    with connection.link() as second:
        second.hello(1.0)
    assert first is second
    with pytest.raises(PortLost, match="in use"):
        SerialPort(connection.path())


def test_a_closed_connection_leaves_the_port_to_a_driver(
    connection: Connection, device: ScriptedDevice
) -> None:
    assert version(connection) == HEADER.version
    connection.close()
    touch_1200(connection.path())
    assert device.line.touched
    assert version(connection) == HEADER.version


def test_a_device_that_was_unplugged_between_two_visits_is_found_again(
    connection: Connection, device: ScriptedDevice, tmp_path: Path
) -> None:
    assert version(connection) == HEADER.version
    device.unplug()
    with pytest.raises(PortLost, match="is not there"):
        version(connection)
    with ScriptedDevice(tmp_path / "tty", HEADER):
        assert version(connection) == HEADER.version


def test_a_device_that_came_back_unnoticed_is_asked_at_its_new_port(
    connection: Connection, device: ScriptedDevice, tmp_path: Path
) -> None:
    assert version(connection) == HEADER.version
    device.unplug()
    with ScriptedDevice(tmp_path / "tty", HEADER):
        assert version(connection) == HEADER.version


def test_a_device_that_vanishes_during_a_visit_is_lost_and_not_silent(
    connection: Connection, device: ScriptedDevice
) -> None:
    with connection.link() as link:
        link.hello(1.0)
    device.slow = True
    with ThreadPoolExecutor(1) as other:
        asking = other.submit(version, connection)
        device.unplug()
        with pytest.raises(PortLost, match="tty"):
            asking.result(10)


def test_silence_keeps_the_port_open_and_what_comes_late_is_no_answer(
    connection: Connection, device: ScriptedDevice
) -> None:
    with connection.link() as first:
        first.hello(1.0)
    device.slow = True
    with pytest.raises(LinkTimeout), connection.link() as link:
        link.hello(0.1)
    device.windows = 7
    boot = encode(Frame(messages.HELLO | messages.REPLY, 0, b"not the answer"))
    device.noise = boot + b"\x07" + boot[:5]
    wait_for(lambda: device.noise == b"", "the noise sent")
    device.slow = False
    with connection.link() as link:
        assert link is first
        assert link.hello(1.0).windows == 7


def usb_port(path: Path, serial: str) -> ListPortInfo:
    """What pyserial says of a USB port: that of a pseudo-terminal, which has no USB."""
    port = ListPortInfo(str(path.resolve()))
    port.vid, port.pid, port.serial_number = 0x2341, 0x805A, serial
    return port


@pytest.mark.parametrize("by", ["port", "usb_serial"])
def test_a_device_that_came_back_under_another_name_is_found_by_its_usb_serial(
    device: ScriptedDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    ports = [usb_port(tmp_path / "tty", "A1")]
    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    given = PortIdentity(str(tmp_path / "tty")) if by == "port" else PortIdentity("", "A1")
    connection = Connection(given, 115200)
    assert version(connection) == HEADER.version
    device.unplug()
    ports.clear()
    with pytest.raises(PortLost, match="is not there"):
        version(connection)
    with ScriptedDevice(tmp_path / "ttyOTHER", HEADER):
        ports.append(usb_port(tmp_path / "ttyOTHER", "B2"))
        with pytest.raises(PortLost, match="is not there"):
            version(connection)
        ports.append(usb_port(tmp_path / "ttyOTHER", "A1"))
        assert version(connection) == HEADER.version
        connection.close()


def test_one_of_two_adapters_with_the_same_serial_number_is_not_guessed(
    device: ScriptedDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = [usb_port(tmp_path / "tty", "0001"), usb_port(tmp_path, "0001")]
    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    with pytest.raises(PortLost, match="0001"):
        version(Connection(PortIdentity("", "0001"), 115200))
