"""The gateway's configuration: one YAML file. Relative paths count from the file's folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tinyops import names
from tinyops.boards.catalogue import load_board
from tinyops.boards.usb import PortIdentity
from tinyops.fleet.reports import MOST_DEVICES
from tinyops.gateway.errors import GatewayError
from tinyops.wrong_key import wrong_key
from tinyops.yaml_text import YamlFileError, read_yaml

CONFIG_BYTES = 1 << 20
"""Largest configuration: some thousands of devices."""

Name = Annotated[str, Field(pattern=names.PATTERN, max_length=names.LONGEST)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeviceConfig(_Section):
    """One board on one port: that of `port`, or the one with this USB serial number."""

    id: Name
    board: str = Field(description="its kind, from the board catalogue")
    port: str = Field(default="", description="serial device, best a name under /dev/serial")
    usb_serial: str = Field(
        default="", description="instead of port; see `tinyops gateway devices`"
    )
    project: Name
    target: str = Field(
        default="", description="which of the release's images it takes; the board's only one"
    )
    reset_command: list[str] = Field(
        default=[], description="resets the board in place of a person, such as by its USB power"
    )

    @property
    def identity(self) -> PortIdentity:
        """Where the board is."""
        return PortIdentity(self.port, self.usb_serial)

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if bool(self.port) == bool(self.usb_serial):
            raise ValueError(f"device {self.id!r} needs either port or usb_serial")
        return self


class GatewayConfig(_Section):
    """Times in seconds."""

    name: Name
    state: Path = Field(default=Path("state"), description="journal, images, TUF metadata")
    trusted_root: Path = Field(description="root.json of the signing keys, copied by hand")
    poll_seconds: float = Field(default=10.0, gt=0)
    poll_timeout_seconds: float = Field(
        default=20.0,
        gt=0,
        description="limit for one poll, and for one upload",
    )
    attest_seconds: float = Field(default=60.0, gt=0)
    watch_seconds: float = Field(default=60.0, gt=0, description="between looks at an idle board")
    frame_seconds: float = Field(
        default=30.0, gt=0, description="between looks for a board's frames; between uploads, least"
    )
    frames_kept: int = Field(
        default=100_000, ge=1, description="frames that wait for S3 at most; then the oldest go"
    )
    retry_seconds: float = Field(default=2.0, gt=0, description="first wait; doubles each time")
    retry_max_seconds: float = Field(default=120.0, gt=0)
    flashes_per_day: int = Field(
        default=10, ge=1, description="flashes of one device within 24 hours, at most"
    )
    metrics_port: int = Field(
        default=9464, ge=0, le=65535, description="of /metrics for Prometheus on loopback; 0: none"
    )
    stop_seconds: float = Field(
        default=20.0, ge=0, description="how long a flash may go on after SIGTERM; else it stops"
    )
    devices: list[DeviceConfig] = Field(min_length=1, max_length=MOST_DEVICES)

    @field_validator("devices")
    @classmethod
    def _distinct(cls, devices: list[DeviceConfig]) -> list[DeviceConfig]:
        for field in ("id", "port", "usb_serial"):
            values = [getattr(device, field) for device in devices]
            twice = sorted({value for value in values if value and values.count(value) > 1})
            if twice:
                raise ValueError(f"{field} {twice[0]!r} is used twice")
        return devices


def load_config(path: Path) -> GatewayConfig:
    """Read and check the file; GatewayError names the key that is wrong.

    In the embedded stack ($TINYOPS_STATE) `trusted_root` may be left out: it is that of the
    development keys.
    """
    try:
        content = read_yaml(path, CONFIG_BYTES)
    except OSError as error:
        raise GatewayError(f"{path}: {error.strerror}", "give the gateway's YAML file") from None
    except YamlFileError as error:
        raise GatewayError(f"{path}{error.where}: {error.reason}", "write valid YAML") from None
    embedded = os.environ.get("TINYOPS_STATE")
    if embedded and isinstance(content, dict):
        content.setdefault("trusted_root", Path(embedded).resolve() / "keys" / "root.json")
    try:
        config = GatewayConfig.model_validate(content)
    except ValidationError as error:
        key, reason, fix = wrong_key(error)
        raise GatewayError(f"{path}: {key or 'the file'}: {reason}", fix) from None
    folder = path.resolve().parent
    return config.model_copy(
        update={
            "state": folder / config.state,
            "trusted_root": folder / config.trusted_root,
            "devices": [_with_target(path, device) for device in config.devices],
        }
    )


def _with_target(path: Path, device: DeviceConfig) -> DeviceConfig:
    board = load_board(device.board)
    if not device.target and len(board.targets) == 1:
        return device.model_copy(update={"target": board.targets[0]})
    if device.target not in board.accepted_targets:
        raise GatewayError(
            f"{path}: device {device.id}: target {device.target!r} is none of {device.board}'s",
            f"use one of: {', '.join(board.accepted_targets) or 'none yet'}",
        )
    return device
