"""The gateway's file: what is wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tinyops.boards.catalogue import CatalogueError
from tinyops.gateway.config import load_config
from tinyops.gateway.errors import GatewayError

DEVICE = {"id": "a", "board": "nano33ble-sense", "port": "/dev/a", "project": "demo"}


def written(tmp_path: Path, **change: Any) -> Path:
    content = {"name": "bench", "trusted_root": "root.json", "devices": [DEVICE]} | change
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value}))
    return path


def test_paths_count_from_the_file_and_the_only_target_is_taken(tmp_path: Path) -> None:
    config = load_config(written(tmp_path))
    assert config.trusted_root == tmp_path / "root.json"
    assert config.state == tmp_path / "state"
    assert config.devices[0].target == "nano33ble-sense-qemu-virtual"


def test_the_embedded_stack_has_its_own_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYOPS_STATE", str(tmp_path / "all"))
    config = load_config(written(tmp_path, trusted_root=None))
    assert config.trusted_root == tmp_path / "all" / "keys" / "root.json"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"colour": "red"}, "colour"),
        ({"poll_seconds": -1}, "poll_seconds"),
        ({"flashes_per_day": -1}, "flashes_per_day"),
        ({"trusted_root": None}, "trusted_root"),
        ({"devices": [DEVICE, DEVICE]}, "devices: id 'a' is used twice"),
        ({"devices": [DEVICE | {"board": "toaster"}]}, "no board 'toaster'"),
        ({"devices": [DEVICE | {"target": "x86"}]}, "device a: target 'x86'"),
        ({"devices": [DEVICE | {"usb_serial": "1"}]}, "'a' needs either port or usb_serial"),
        ({"devices": [DEVICE | {"port": ""}]}, "'a' needs either port or usb_serial"),
        ({"name": "../up"}, "name"),
    ],
)
def test_a_wrong_key_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], word: str
) -> None:
    monkeypatch.delenv("TINYOPS_STATE", raising=False)
    with pytest.raises((GatewayError, CatalogueError), match=word) as raised:
        load_config(written(tmp_path, **change))
    assert raised.value.fix


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match=r"absent\.yaml"):
        load_config(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"devices: " + b"[" * 5000, "line 1: nested more than 32 deep"),
        (b"a: &a [*a]", "nested more than 32 deep"),
        (b"name: x\nname: y", "line 2: the key 'name' is there twice"),
        (b"name: \xff", "line 1: byte 0xff is no UTF-8"),
        (b"x: 2026-13-45", "month must be in"),
        (b"#" * (1 << 20) + b"#", "more than 1,048,576 bytes"),
        (b"[1]", "the file"),
    ],
)
def test_a_file_that_is_no_usable_yaml_is_one_error(
    tmp_path: Path, content: bytes, word: str
) -> None:
    (tmp_path / "gateway.yaml").write_bytes(content)
    with pytest.raises(GatewayError, match=word) as raised:
        load_config(tmp_path / "gateway.yaml")
    assert str(tmp_path / "gateway.yaml") in raised.value.message


def test_a_gateway_of_many_devices_is_read(tmp_path: Path) -> None:
    devices = [DEVICE | {"id": f"d{n}", "port": f"/dev/ttyUSB{n}"} for n in range(256)]
    assert len(load_config(written(tmp_path, devices=devices)).devices) == 256
