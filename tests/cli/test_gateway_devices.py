"""`tinyops gateway devices`, over what pyserial says of ports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from tinyops.cli.main import main
from tinyops.gateway.config import load_config


def usb_port(name: str, vid: int, pid: int, serial: str | None) -> ListPortInfo:
    port = ListPortInfo(name)
    port.vid, port.pid, port.serial_number, port.product = vid, pid, serial, "a [product]"
    return port


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> list[ListPortInfo]:
    found = [
        usb_port("/dev/ttyACM0", 0x2341, 0x805A, "00123456"),
        usb_port("/dev/ttyUSB0", 0x1A86, 0x7523, None),
        usb_port("/dev/ttyUSB1", 0x1234, 0x5678, "X"),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: found)
    monkeypatch.setenv("COLUMNS", "200")
    return found


def test_what_it_prints_can_be_pasted_and_is_known_from_then_on(
    ports: list[ListPortInfo], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gateway", "devices"]) == 0
    table, _, lines = capsys.readouterr().out.partition("devices:\n")
    for word in ("2341:805a", "a [product]", "may be sparkfun-edge2", "unknown"):
        assert word in table
    devices = yaml.safe_load("devices:\n" + lines.replace("PROJECT", "demo"))["devices"]
    first = {"id": "nano33ble-sense-123456", "board": "nano33ble-sense", "project": "demo"}
    assert devices[0] == first | {"usb_serial": "00123456"}
    assert devices[1]["port"] == "/dev/ttyUSB0"
    config = tmp_path / "gateway.yaml"
    content = {"name": "bench", "trusted_root": "root.json", "devices": devices}
    config.write_text(yaml.safe_dump(content))
    assert load_config(config).devices[0].identity.usb_serial == "00123456"
    assert main(["gateway", "devices", "--config", str(config)]) == 0
    assert "not in the gateway's file" not in capsys.readouterr().out
    assert main(["gateway", "devices", "--config", str(config), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["device"] for row in rows] == [device["id"] for device in devices] + [""]
    assert [row["certain"] for row in rows] == [True, False, False]


def test_without_ports_it_says_so(
    ports: list[ListPortInfo], capsys: pytest.CaptureFixture[str]
) -> None:
    ports.clear()
    assert main(["gateway", "devices"]) == 0
    assert "no serial port on USB" in capsys.readouterr().out
