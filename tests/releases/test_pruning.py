"""Old releases leave the signed metadata, which stays within what gateways accept."""

from __future__ import annotations

from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, TargetFile, Targets

from tinyops.releases import paths, pruning, repository
from tinyops.releases.client import ReleaseClient
from tinyops.releases.errors import ReleaseError
from tinyops.releases.keys import KeyFolder, make_keys
from tinyops.releases.repository import NewTarget, Repository
from tinyops.releases.rollout import Channel, next_channel, open_ring
from tinyops.store import Store

TARGETS = ("nano33ble-sense-qemu-virtual", "sparkfun-edge2-qemu-virtual", "esp-eye-host-virtual")


@pytest.fixture
def keys(tmp_path: Path) -> KeyFolder:
    return make_keys(tmp_path / "keys")


def pointer(channel: Channel) -> NewTarget:
    text = channel.model_dump_json()
    return NewTarget(paths.channel(channel.project), text.encode(), {"channel": text})


def files(version: int, project: str = "demo") -> list[NewTarget]:
    """A release with a manifest that says when it was made."""
    name = f"v{version}"
    manifest = NewTarget(
        paths.manifest(project, name), b"m", {"created": f"2026-12-01T{version:06d}"}
    )
    return [*(NewTarget(paths.image(project, name, one), b"i", {}) for one in TARGETS), manifest]


def signed(repo: Repository, project: str = "demo") -> set[str]:
    """Versions whose files are all signed."""
    found = [paths.release_of(path) for path in repo.targets()]
    counted = {one[1] for one in found if one is not None and one[0] == project}
    assert len([one for one in found if one and one[0] == project]) == len(counted) * 4
    return counted


def test_the_newest_releases_and_those_of_the_channel_stay_signed(
    store: Store, keys: KeyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "RELEASES_KEPT", 2)
    repo = Repository(store, keys)
    stable = open_ring(next_channel(None, "demo", "v1", [0.5, 1.0]), 1)
    repo.publish([*files(0), *files(1), *files(1, "other"), pointer(stable)])
    for version in (2, 3, 4, 5):
        repo.publish([*files(version), pointer(next_channel(stable, "demo", "v3", [0.5, 1.0]))])
    assert signed(repo) == {"v1", "v3", "v4", "v5"}
    assert signed(repo, "other") == {"v1"}
    client = ReleaseClient(store, keys.root_path.read_bytes(), tmp_path / "cache")
    client.refresh()
    assert not client.has_image("demo", "v2", TARGETS[0])
    for version in ("v1", "v3"):
        path = client.download_image("demo", version, TARGETS[0], tmp_path / version)
        assert path.read_bytes() == b"i"


def test_metadata_that_gateways_would_refuse_is_not_published(
    store: Store, keys: KeyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = Repository(store, keys)
    repo.publish(files(1))
    monkeypatch.setattr(repository, "TARGETS_MAX_BYTES", 3000)
    with pytest.raises(ReleaseError, match="bytes, expected at most 3000"):
        repo.publish([one for version in range(2, 9) for one in files(version)])
    assert signed(repo) == {"v1"}
    ReleaseClient(store, keys.root_path.read_bytes(), tmp_path / "cache").refresh()


def test_thirty_projects_of_four_boards_stay_within_the_limit() -> None:
    targets = (*TARGETS, "himax-we1-plus-host-virtual")
    signed, count = Targets(), 10
    for number in range(count):
        version = f"20261201T{number:06d}Z-8cf347"
        about = {"project": "motor_health", "version": version}
        of = {
            paths.image("motor_health", version, target): about
            | {"target": target, "board": target[:15]}
            for target in targets
        }
        of[paths.manifest("motor_health", version)] = about | {
            "created": "2026-12-01T03:42:29.262969+00:00"
        }
        for path, custom in of.items():
            file = TargetFile.from_data(path, b"content", ["sha256"])
            file.unrecognized_fields["custom"] = custom
            signed.targets[path] = file
    size = len(Metadata(signed).to_bytes()) / count
    assert 1000 < size < 2000, "bytes a release"
    assert size * pruning.RELEASES_KEPT * 30 < pruning.TARGETS_MAX_BYTES
