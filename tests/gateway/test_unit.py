"""The systemd unit, checked by systemd itself where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tinyops.cli.main import main
from tinyops.gateway.attest import SELFTEST
from tinyops.gateway.unit import BEYOND_FLASH

DEVICE = {"id": "a", "board": "nano33ble-sense", "port": "/dev/a", "project": "demo"}


def printed(config: Path, capsys: pytest.CaptureFixture[str], **change: object) -> str:
    content = {"name": "line-3", "trusted_root": "root.json", "stop_seconds": 40.5}
    content |= {"state": "/var/lib/tinyops-gateway", "devices": [DEVICE]}
    config.write_text(yaml.safe_dump(content | change))
    main(["gateway", "unit", "--config", str(config)])
    return capsys.readouterr().out


def settings(unit: str) -> dict[str, str]:
    lines = [line for line in unit.splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_it_names_the_file_and_stops_no_sooner_than_the_gateway_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / '100% "odd" $name.yaml'
    found = settings(printed(config, capsys))
    odd = '100%% \\"odd\\" $$name.yaml'
    assert found["ExecStart"].endswith(f'gateway run --config "{tmp_path}/{odd}"')
    assert int(found["TimeoutStopSec"]) == 41 + BEYOND_FLASH
    assert BEYOND_FLASH > SELFTEST
    assert found["StateDirectory"] == "tinyops-gateway"
    assert found["EnvironmentFile"] == "/etc/tinyops/gateway.env"


def test_a_state_folder_that_it_may_not_write_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gateway.yaml"
    printed(config, capsys, state="state")
    assert main(["gateway", "unit", "--config", str(config)]) == 1
    assert "state: /var/lib/tinyops-gateway" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tinyops-gateway.service"
    unit = printed(tmp_path / "gateway.yaml", capsys)
    for content, complaints in ((unit, False), (unit + "Colour=red\n", True)):
        file.write_text(content)
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(file)], capture_output=True, text=True
        )
        about = [line for line in done.stderr.splitlines() if file.name in line]
        assert bool(about) == complaints, done.stderr
        assert complaints or done.returncode == 0, done.stderr
