"""The command line as a program: exit statuses, one-line errors, JSON, and no traceback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tinyops.cli import main as command_line
from tinyops.cli.main import COMMANDS, main
from tinyops.errors import TinyOpsError

TINYOPS = Path(sys.executable).with_name("tinyops")


def run(*arguments: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
    drop = ("AWS_", "TINYOPS_", "MLFLOW_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
    return subprocess.run(
        [TINYOPS, *arguments], env=env | extra, capture_output=True, text=True, check=False
    )


def one_line(text: str) -> str:
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text.strip()


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name, _, _ in COMMANDS:
        assert f" {name} " in done.stdout


def test_version_is_the_packages() -> None:
    from tinyops import __version__

    assert run("--version").stdout.strip() == f"tinyops {__version__}"


@pytest.mark.parametrize("arguments", [["nonsense"], ["up", "--no-such-option"], ["fit"]])
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_error_is_one_line_with_its_fix() -> None:
    done = run("project", "validate", "nothing", TINYOPS_PROJECTS="/no/such/folder")
    assert done.returncode == 1
    assert "no project 'nothing' in /no/such/folder -> use one of: none" in done.stdout


def test_status_of_nothing_is_status_3_and_json(tmp_path: Path) -> None:
    done = run("status", "--state-dir", tmp_path / "none", "--json")
    assert done.returncode == 3
    services = json.loads(done.stdout)["services"]
    assert {row["name"]: row["state"] for row in services} == {
        "s3": "stopped",
        "airflow": "stopped",
        "gateway": "stopped",
    }
    assert not (tmp_path / "none").exists()


def test_down_of_nothing_is_harmless(tmp_path: Path) -> None:
    done = run("down", "--state-dir", tmp_path / "none", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"stopped": []})


def test_env_before_the_first_start_says_what_to_do(tmp_path: Path) -> None:
    done = run("env", "--state-dir", tmp_path)
    assert done.returncode == 1
    assert "tinyops up" in one_line(done.stderr)
    assert done.stdout == ""


def test_taken_port_in_json_names_port_and_option(tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        done = run("up", "--state-dir", tmp_path, "--json", TINYOPS_S3_PORT=str(port))
    assert done.returncode == 1
    error = json.loads(done.stdout)
    assert f"port {port}" in error["error"]
    assert "--s3-port" in error["fix"]
    assert json.loads(run("down", "--state-dir", tmp_path, "--json").stdout) == {"stopped": []}


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {TINYOPS} boards --json | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


@pytest.mark.parametrize("as_json", [False, True])
def test_a_defect_is_one_line_and_status_70(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TINYOPS_TRACEBACK", raising=False)
    monkeypatch.setattr(command_line, "build_app", _raising(ZeroDivisionError("a\nb")))
    assert main(["boards", *(["--json"] if as_json else [])]) == 70
    out, err = capsys.readouterr()
    if as_json:
        assert json.loads(out)["error"] == "internal error: ZeroDivisionError: a\nb"
        assert "TINYOPS_TRACEBACK=1" in json.loads(out)["fix"]
    else:
        assert one_line(err) == (
            "internal error: ZeroDivisionError: a b -> set TINYOPS_TRACEBACK=1 to see where"
        )


def test_a_defect_is_shown_in_full_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYOPS_TRACEBACK", "1")
    monkeypatch.setattr(command_line, "build_app", _raising(ZeroDivisionError("a")))
    with pytest.raises(ZeroDivisionError, match=r"^a$"):
        main(["boards"])


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (TinyOpsError("port 1 is taken", "use 2"), 1, "error: port 1 is taken -> use 2\n"),
        (TinyOpsError("nothing helps"), 1, "error: nothing helps\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_statuses(
    raised: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command_line, "build_app", _raising(raised))
    assert main(["boards"]) == status
    assert capsys.readouterr() == ("", said)


def _raising(error: BaseException) -> Any:
    def build() -> Any:
        def app(**_: object) -> None:
            raise error

        return app

    return build
