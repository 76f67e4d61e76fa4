"""Public data sets over real HTTP from a server of this test, with small files in their place.

The real hosts were never reached: this environment has no internet. What is tested is the client.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tinyops.cli.data import data_app
from tinyops.data.recordings.download import (
    PUBLIC_SETS,
    DownloadError,
    PublicFile,
    download_set,
    fetch,
)
from tinyops.errors import TinyOpsError

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    ranges: bool = True
    etag: str = '"v1"'
    status: int = 200
    length: int | None = None
    cut_after: list[int] = field(default_factory=list)
    redirect: str = ""
    asked: list[str] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    behaviour: Behaviour

    def do_GET(self) -> None:
        how = self.behaviour
        wanted = self.headers.get("Range", "")
        how.asked.append(wanted)
        if how.redirect and not self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", how.redirect)
            self.end_headers()
            return
        if how.status != 200:
            self.send_error(how.status)
            return
        start = 0
        if wanted and how.ranges and self.headers.get("If-Range") == how.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(how.content):
                self.send_error(416)
                return
        body = how.content[start:]
        self.send_response(206 if start else 200)
        if start:
            total = len(how.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if how.etag:
            self.send_header("ETag", how.etag)
        self.send_header("Content-Length", str(len(body) if how.length is None else how.length))
        self.end_headers()
        self.wfile.write(body[: how.cut_after.pop(0)] if how.cut_after else body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[tuple[str, Behaviour]]:
    behaviour = Behaviour()
    handler = type("Answering", (Handler,), {"behaviour": behaviour})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}/file.bin", behaviour
        made.shutdown()
        thread.join()


def test_a_file_comes_whole(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, _ = server
    told: list[tuple[int, int | None]] = []
    path = tmp_path / "a" / "file.bin"
    fetch.fetch(url, path, len(CONTENT), progress=lambda done, total: told.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [one.name for one in path.parent.iterdir()] == ["file.bin"]


def test_a_cut_off_download_goes_on_where_it_stopped(
    server: tuple[str, Behaviour], tmp_path: Path
) -> None:
    url, how = server
    how.cut_after = [100_000, 50_000]
    fetch.fetch(url, tmp_path / "f", pause=0)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert how.asked == ["", "bytes=100000-", "bytes=150000-"]


def test_the_next_command_goes_on_too(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, how = server
    how.cut_after = [1000] * fetch.ATTEMPTS
    with pytest.raises(DownloadError, match="connection ended after 5,000 of 512,000 bytes"):
        fetch.fetch(url, tmp_path / "f", pause=0)
    assert not (tmp_path / "f").exists()
    assert (tmp_path / "f.part").stat().st_size == 5000
    how.asked.clear()
    fetch.fetch(url, tmp_path / "f", pause=0)
    assert how.asked == ["bytes=5000-"]
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize("etag", ['"v1"', 'W/"v1"', ""], ids=["strong", "weak", "none"])
def test_what_changed_meanwhile_is_fetched_anew(
    server: tuple[str, Behaviour], tmp_path: Path, etag: str
) -> None:
    url, how = server
    how.etag, how.cut_after = etag, [1000] * fetch.ATTEMPTS
    with pytest.raises(DownloadError, match=f"{fetch.ATTEMPTS} times"):
        fetch.fetch(url, tmp_path / "f", pause=0)
    how.content, how.etag = CONTENT[::-1], '"v2"'
    fetch.fetch(url, tmp_path / "f", pause=0)
    assert (tmp_path / "f").read_bytes() == CONTENT[::-1]


def test_a_server_without_ranges(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, how = server
    how.ranges, how.cut_after = False, [100_000]
    fetch.fetch(url, tmp_path / "f", pause=0)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, how = server
    (tmp_path / "f.part").write_bytes(CONTENT + b"more")
    (tmp_path / "f.part.json").write_text(json.dumps({"version": how.etag}))
    fetch.fetch(url, tmp_path / "f", pause=0)
    assert (tmp_path / "f").read_bytes() == CONTENT


REFUSALS: dict[str, tuple[dict[str, Any], str, int]] = {
    "gone": ({"status": 404}, "the server answers 404", 1),
    "forbidden": ({"status": 403}, "the server answers 403", 1),
    "ill": ({"status": 503}, "the server answers 503", fetch.ATTEMPTS),
    "another size": ({"content": CONTENT[:-1]}, "has 511,999 bytes, not 512,000", 1),
    "more than it says": ({"length": len(CONTENT), "content": CONTENT + b"x"}, "", 1),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_the_server_does_wrong(
    server: tuple[str, Behaviour], tmp_path: Path, case: str
) -> None:
    url, how = server
    changes, message, times = REFUSALS[case]
    for name, value in changes.items():
        setattr(how, name, value)
    if not message:
        # Bytes behind the stated length belong to nobody.
        fetch.fetch(url, tmp_path / "f", len(CONTENT), pause=0)
        assert (tmp_path / "f").read_bytes() == CONTENT
        return
    with pytest.raises(DownloadError, match=message) as caught:
        fetch.fetch(url, tmp_path / "f", len(CONTENT), pause=0)
    assert caught.value.fix
    assert len(how.asked) == times
    assert not (tmp_path / "f").exists()


def test_no_server_at_all(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"no answer.*5 times"):
        fetch.fetch("http://127.0.0.1:9/x", tmp_path / "f", pause=0)


def test_it_is_sent_elsewhere_but_never_to_a_file(
    server: tuple[str, Behaviour], tmp_path: Path
) -> None:
    url, how = server
    how.redirect = url.replace("/file.bin", "/moved.bin")
    fetch.fetch(url, tmp_path / "f", pause=0)
    assert (tmp_path / "f").read_bytes() == CONTENT
    secret = tmp_path / "secret"
    secret.write_text("x")
    how.redirect = secret.as_uri()
    with pytest.raises(DownloadError, match="file:"):
        fetch.fetch(url, tmp_path / "g", pause=0)
    assert not (tmp_path / "g").exists()


def test_a_full_disk(
    server: tuple[str, Behaviour], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = server
    full = Path("/dev/full")
    if full.exists():
        # The kernel's own full disk: every write ends in ENOSPC.
        (tmp_path / "f.part").symlink_to(full)
        with pytest.raises(DownloadError, match="disk is full"):
            fetch.fetch(url, tmp_path / "f", pause=0)
        (tmp_path / "f.part").unlink()
    usage = fetch.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DownloadError, match="disk is full, 1,000 bytes are free") as caught:
        fetch.fetch(url, tmp_path / "f", pause=0)
    assert "goes on where it stopped" in caught.value.fix


def test_published_checksums_are_checked(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, how = server
    wanted = replace(PUBLIC_SETS["speech-commands"], files=(PublicFile(url, "x/f", None, SHA256),))
    [found] = download_set(wanted, tmp_path, pause=0)
    assert (found.sha256, found.pinned) == (SHA256, False)
    how.asked.clear()
    download_set(wanted, tmp_path, pause=0)
    assert how.asked == [], "what is there is checked, not fetched"
    found.path.write_bytes(b"changed")
    with pytest.raises(DownloadError, match=f"published is {SHA256}"):
        download_set(wanted, tmp_path, pause=0)
    assert not found.path.exists()
    assert (tmp_path / "x" / "f.refused").read_bytes() == b"changed"
    download_set(wanted, tmp_path, pause=0)


def test_without_a_published_checksum_the_first_one_counts(
    server: tuple[str, Behaviour], tmp_path: Path
) -> None:
    url, how = server
    wanted = replace(PUBLIC_SETS["cwru"], files=(PublicFile(url, "a/f"),))
    [found] = download_set(wanted, tmp_path, pause=0)
    assert found.pinned
    assert (tmp_path / "SHA256SUMS").read_text() == f"{SHA256}  a/f\n"
    assert not download_set(wanted, tmp_path, pause=0)[0].pinned
    found.path.unlink()
    how.content = CONTENT[::-1]
    with pytest.raises(DownloadError, match=f"when it came first it was {SHA256}"):
        download_set(wanted, tmp_path, pause=0)


def test_all_is_said_before_anything_is_fetched(
    server: tuple[str, Behaviour], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, how = server
    wanted = replace(PUBLIC_SETS["uestc"], files=(PublicFile(url, "f"),))
    monkeypatch.setitem(PUBLIC_SETS, "uestc", wanted)
    run = CliRunner().invoke
    done = run(data_app, ["download", "uestc", "--out", str(tmp_path / "u")])
    assert isinstance(done.exception, TinyOpsError)
    assert "--yes" in done.exception.fix
    assert how.asked == []
    for text in (url, wanted.licence, wanted.citation, "SHA-256", "size"):
        assert text in done.output
    done = run(data_app, ["download", "uestc", "--out", str(tmp_path / "u"), "--yes"])
    assert done.exit_code == 0, done.output
    assert "1 pinned" in done.output
    assert "tinyops data import uestc/*/*.mat --project PROJECT" in done.output
    done = run(data_app, ["download", "uestc", "-o", str(tmp_path / "u"), "-y", "--json"])
    told = json.loads(done.stdout)
    assert told["files"] == [{"path": str(tmp_path / "u" / "f"), "sha256": SHA256, "pinned": False}]
    assert [
        one["name"] for one in json.loads(run(data_app, ["download", "--json"]).output)
    ] == list(PUBLIC_SETS)
    done = run(data_app, ["download", "mnist"])
    assert "there is: uestc" in str(done.exception)


@pytest.mark.parametrize("name", PUBLIC_SETS)
def test_the_registry_is_whole(name: str) -> None:
    one = PUBLIC_SETS[name]
    assert (
        len({file.path for file in one.files})
        == len(one.files)
        == len({file.url for file in one.files})
    )
    assert all(file.url.startswith("https://") and ".." not in file.path for file in one.files)
    assert all(text for _, text in one.told())
    assert all("{project}" in command or "tar " in command for command in one.commands)
