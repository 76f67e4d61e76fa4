"""What commands print of hostile names: text, whatever it says; and nobody prints past `output`."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.progress import Progress
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from tests.support.checkout import ROOT
from tinyops.cli import output
from tinyops.cli.main import main
from tinyops.errors import TinyOpsError
from tinyops.monitoring.device_binding import UNKNOWN_DEVICE
from tinyops.monitoring.known_devices import KnownDevices
from tinyops.printable import rich_text
from tinyops.store import Pointer, Store, edge_layout, layout

HOSTILE = "[red]x[/]\x1b[31m\x1b]0;t\x9b2J\u202e\ud800</script>:smile:"
SHOWN = r"[red]x[/]\x1b[31m\x1b]0;t\x9b2J\u202e\ud800</script>:smile:"

PRINTERS = {"typer.echo", "typer.secho", "click.echo", "print", "Console", "escape"}
OWNER = "output.py"
ALLOWED = {"main.py: print(json_text({'error': message, 'fix': fix}))"}


def printed_past_output(source: str) -> list[str]:
    """Calls that print, or that prepare text for rich, other than through `output`."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [ast.unparse(call) for call in calls if ast.unparse(call.func) in PRINTERS]


def test_no_command_prints_past_output() -> None:
    folder = ROOT / "include/tinyops/cli"
    stray = {
        f"{path.name}: {name}"
        for path in folder.glob("*.py")
        if path.name != OWNER
        for name in printed_past_output(path.read_text(encoding="utf-8"))
    }
    assert stray == ALLOWED
    assert printed_past_output("typer.echo(x)\nprint(x)") == ["typer.echo(x)", "print(x)"]


def test_all_that_rich_prints_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    console = output.terminal()
    console.width = 300
    table = Table(rich_text(HOSTILE), title=rich_text(HOSTILE))
    table.add_row(rich_text(HOSTILE))
    table.add_row(Text(HOSTILE))
    tree = Tree(rich_text(HOSTILE))
    tree.add(rich_text(HOSTILE))
    for shown in (table, tree, rich_text(HOSTILE), Text(HOSTILE)):
        console.print(shown)
    console.print(HOSTILE, markup=False)
    assert capsys.readouterr().out.count(SHOWN) == 9
    with Progress(console=console) as bar:
        bar.add_task(rich_text(HOSTILE), total=1)
    assert "\x1b[31m" not in capsys.readouterr().out


def test_plain_lines_and_json_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    output.echo(HOSTILE)
    output.echo(HOSTILE, stderr=True)
    said = capsys.readouterr()
    assert said.out == said.err == SHOWN + "\n"
    output.print_json({HOSTILE: HOSTILE})
    text = capsys.readouterr().out
    assert json.loads(text) == {HOSTILE: HOSTILE}
    assert all(character.isprintable() or character == "\n" for character in text)


@pytest.mark.parametrize("arguments", [["boards"], ["boards", "--json"]])
def test_errors_are_one_line_of_text(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise TinyOpsError(HOSTILE, HOSTILE)

    monkeypatch.setattr("tinyops.cli.main.build_app", lambda: lambda **_: refused())
    assert main(arguments) == 1
    said = capsys.readouterr()
    if "--json" in arguments:
        assert json.loads(said.out) == {"error": HOSTILE, "fix": HOSTILE}
    else:
        assert said.err == f"error: {SHOWN} -> {SHOWN}\n"
    assert all(character.isprintable() or character == "\n" for character in said.out + said.err)


@pytest.mark.slow
def test_gateway_status_shows_whatever_gateways_wrote(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "900")
    hostile, shown = HOSTILE.replace("\ud800", ""), SHOWN.replace(r"\ud800", "")
    words = ("board", "state", "confirmed", "problem", "action")
    row: dict[str, Any] = {name: f"{name}{hostile}" for name in words} | {"project": "p"}
    row["frames"] = {"at": hostile, "refused": {hostile: 1}}
    content = {"at": HOSTILE, "devices": {"press-7": row, HOSTILE: row, "press-8": [HOSTILE]}}
    store.put(edge_layout.gateway_status("line-3"), json.dumps(content).encode())
    store.put(edge_layout.gateway_status("line-4"), b"[" * 100_000)
    store.put(edge_layout.GATEWAYS + "[red] x/status.json", b"{}")
    assert main(["gateway", "status"]) == 0
    out = capsys.readouterr().out
    for name in ("state", "confirmed", "problem", "action"):
        assert f"{name}{shown}" in out
    assert f"1 refused: {shown}" in out
    assert "devices: 1 with an invalid id" in out
    assert "is not JSON" in out
    assert "\x1b" not in out
    assert main(["gateway", "status", "--json"]) == 0
    text = capsys.readouterr().out
    assert json.loads(text)["line-3"]["devices"]["press-7"] == row
    assert "\u202e" not in text


@pytest.mark.slow
def test_monitor_status_names_devices_that_are_not_judged(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"gateway": "line-3", "device": "ghost-1", "reason": UNKNOWN_DEVICE, "frames": 7}
    row["at"] = datetime.now(UTC).isoformat()
    KnownDevices({}, {"line-3 ghost-1": row}, more=3).write(store, "motor_health")
    verdict = {"device": HOSTILE, "release": HOSTILE, "status": "data drift", "reason": HOSTILE}
    verdict |= {"virtual": False, "moved": [], "statistic": None, "since": row["at"]}
    verdict |= {"estimated_accuracy": None, "residual": None}
    key = layout.pointer("motor_health", Pointer.VERDICT)
    store.put(key, json.dumps({"devices": {HOSTILE: verdict}}).encode())
    assert main(["monitor", "status", "-p", "motor_health"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"not judged: ghost-1 of gateway line-3, 7 frames {UNKNOWN_DEVICE}" in out
    assert "not judged: 3 more devices" in out
    assert r"\x1b[31m" in out
    assert "\x1b" not in out
    assert main(["monitor", "status", "-p", "motor_health", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["set_aside"] == [row]
