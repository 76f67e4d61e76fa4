"""What USB ids tell about boards, from what pyserial says of ports."""

from __future__ import annotations

from pathlib import Path

from serial.tools.list_ports_common import ListPortInfo

from tinyops.boards.discovery import found_ports, stable_name


def usb_port(name: str, vid: int | None, pid: int | None, serial: str | None) -> ListPortInfo:
    port = ListPortInfo(name)
    port.vid, port.pid, port.serial_number = vid, pid, serial
    return port


def test_a_board_with_ids_of_its_own_is_certain_and_a_bridge_is_not() -> None:
    nano = usb_port("/dev/ttyACM0", 0x2341, 0x805A, "ABC")
    boot = usb_port("/dev/ttyACM1", 0x2341, 0x005A, "DEF")
    ch340 = usb_port("/dev/ttyUSB0", 0x1A86, 0x7523, None)
    unknown = usb_port("/dev/ttyUSB1", 0x1234, 0x5678, "GHI")
    builtin = usb_port("/dev/ttyS0", None, None, None)
    found = found_ports([unknown, ch340, builtin, boot, nano])
    assert [(port.port, port.boards, port.certain) for port in found] == [
        ("/dev/ttyACM0", ("nano33ble-sense",), True),
        ("/dev/ttyACM1", ("nano33ble-sense",), True),
        ("/dev/ttyUSB0", ("sparkfun-edge2",), False),
        ("/dev/ttyUSB1", (), False),
    ]
    assert [port.usb_serial for port in found] == ["ABC", "DEF", "", "GHI"]


def test_a_serial_number_that_two_ports_share_is_none() -> None:
    ports = [usb_port(f"/dev/ttyUSB{n}", 0x10C4, 0xEA60, "0001") for n in range(2)]
    assert [port.usb_serial for port in found_ports(ports)] == ["", ""]


def test_a_port_is_called_by_its_socket_where_udev_has_named_that(tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch()
    names = tmp_path / "by-path"
    assert stable_name(str(port), names) == str(port)
    names.mkdir()
    (names / "pci-0-usb-2").symlink_to(tmp_path / "ttyUSB1")
    (names / "pci-0-usb-1").symlink_to(port)
    assert stable_name(str(port), names) == str(names / "pci-0-usb-1")
