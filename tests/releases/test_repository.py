"""The TUF repository on the real S3 server: order, crashes, two writers, forgery, freshness."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Targets

from tinyops.releases import paths
from tinyops.releases.client import CACHED, ReleaseClient
from tinyops.releases.errors import (
    ReleaseError,
    ReleaseRefused,
    ReleaseUnavailable,
    SigningKeyError,
)
from tinyops.releases.keys import KeyFolder, make_keys, signing_keys
from tinyops.releases.repository import NewTarget, Repository
from tinyops.store import Store, edge_layout, sha256_hex


@pytest.fixture
def keys(tmp_path: Path) -> KeyFolder:
    return make_keys(tmp_path / "keys")


@pytest.fixture
def repository(store: Store, keys: KeyFolder) -> Repository:
    return Repository(store, keys)


def client(repository: Repository, cache: Path) -> ReleaseClient:
    return ReleaseClient(repository.store, repository.keys.root_path.read_bytes(), cache)


def image(version: str, content: bytes = b"image") -> NewTarget:
    return NewTarget(paths.image("demo", version, "t"), content, {"version": version})


class Died(Exception):
    """The process ended here."""


def test_what_is_published_is_read_back(repository: Repository, tmp_path: Path) -> None:
    versions = repository.publish([image("v1", b"x" * 1000)])
    assert versions == {"targets": 1, "snapshot": 1, "timestamp": 1}
    assert repository.publish([image("v1", b"x" * 1000)]) == versions
    reader = client(repository, tmp_path / "cache")
    reader.refresh()
    path = reader.download_image("demo", "v1", "t", tmp_path / "out" / "image.bin")
    assert path.read_bytes() == b"x" * 1000
    assert reader.channel("demo") is None
    with pytest.raises(ReleaseRefused, match="no image for u"):
        reader.image_sha256("demo", "v1", "u")


def test_a_writer_that_dies_anywhere_is_repeated_and_readers_never_notice(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.publish([image("v1")])
    put = Store.put
    for survived in range(5):
        left = survived

        def dying(store: Store, key: str, *rest: object, **named: object) -> str:
            nonlocal left
            if left == 0:
                raise Died
            left -= 1
            return put(store, key, *rest, **named)  # type: ignore[arg-type]

        new = image(f"v2-{survived}", b"second")
        with monkeypatch.context() as patch:
            patch.setattr(Store, "put", dying)
            with pytest.raises(Died):
                repository.publish([new])
        reader = client(repository, tmp_path / f"cache{survived}")
        reader.refresh()
        assert reader.has_image("demo", "v1", "t")
        assert not reader.has_image("demo", f"v2-{survived}", "t")
        repository.publish([new])
        reader.refresh()
        assert reader.has_image("demo", f"v2-{survived}", "t")


def test_what_a_killed_reader_left_is_gone_at_its_next_start(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.publish([image("v1")])
    cache = tmp_path / "cache"

    def dying(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr("tuf.ngclient.updater.os.replace", dying)
        with pytest.raises(Died):
            client(repository, cache).refresh()
    files = set(cache.rglob("*"))
    assert any(path.name.startswith("tmp") for path in files), "the kill left nothing to remove"
    reader = client(repository, cache)
    assert not list(cache.rglob("tmp*"))
    reader.refresh()
    assert reader.has_image("demo", "v1", "t")


def test_the_cache_of_small_targets_does_not_grow_for_ever(
    repository: Repository, tmp_path: Path
) -> None:
    targets = tmp_path / "cache" / "targets"
    targets.mkdir(parents=True)
    for number in range(CACHED + 10):
        path = targets / f"demo%2F{number}%2Fmanifest.json"
        path.write_bytes(b"{}")
        os.utime(path, (number, number))
    client(repository, tmp_path / "cache")
    kept = {int(path.name.split("%2F")[1]) for path in targets.iterdir()}
    assert kept == set(range(10, CACHED + 10))


def test_two_writers_lose_nothing_of_each_other(store: Store, keys: KeyFolder) -> None:
    def publish(name: str) -> None:
        for number in range(3):
            Repository(store, keys).publish([image(f"{name}{number}")])

    writers = [threading.Thread(target=publish, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    versions = {path.split("/")[1] for path in Repository(store, keys).targets()}
    assert versions == {"a0", "a1", "a2", "b0", "b1", "b2"}


def test_replayed_metadata_is_refused_by_reader_and_writer(
    repository: Repository, tmp_path: Path
) -> None:
    repository.publish([image("v1")])
    key = edge_layout.tuf_metadata(edge_layout.TUF_TIMESTAMP)
    old = repository.store.get(key)
    repository.publish([image("v2")])
    reader = client(repository, tmp_path / "cache")
    reader.refresh()
    repository.store.put(key, old)
    with pytest.raises(ReleaseRefused, match="BadVersionNumberError"):
        reader.refresh()
    assert reader.has_image("demo", "v2", "t")
    with pytest.raises(ReleaseError, match="holds timestamp 1, but 2 was signed"):
        repository.publish([image("v3")])


def test_entries_that_nobody_signed_are_not_signed_along(
    repository: Repository, tmp_path: Path
) -> None:
    repository.publish([image("v1")])
    key = edge_layout.tuf_metadata(edge_layout.tuf_version_name("targets", 1))
    forged: Metadata[Targets] = Metadata.from_bytes(repository.store.get(key))
    signed = forged.signed.targets
    signed[paths.image("demo", "evil", "t")] = signed[paths.image("demo", "v1", "t")]
    repository.store.put(key, forged.to_bytes())
    with pytest.raises(ReleaseError, match=r"1\.targets\.json does not verify"):
        repository.publish([image("v2")])
    with pytest.raises(ReleaseRefused, match="UnsignedMetadataError"):
        client(repository, tmp_path / "cache").refresh()


def test_a_tampered_image_is_refused_and_leaves_no_file(
    repository: Repository, tmp_path: Path
) -> None:
    repository.publish([image("v1", b"right")])
    target = edge_layout.tuf_target(paths.image("demo", "v1", "t"), sha256_hex(b"right"))
    for bad in (b"wrong", b"right and much longer"):
        repository.store.put(target, bad)
        reader = client(repository, tmp_path / "cache")
        reader.refresh()
        with pytest.raises(ReleaseRefused, match=r"image\.bin"):
            reader.download_image("demo", "v1", "t", tmp_path / "out" / "image.bin")
        assert not (tmp_path / "out" / "image.bin").exists()
    repository.store.delete(target)
    with pytest.raises(ReleaseUnavailable, match=r"image\.bin"):
        reader.download_image("demo", "v1", "t", tmp_path / "out" / "image.bin")


def test_signatures_are_renewed_at_half_of_their_lives(
    repository: Repository, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    assert repository.refresh() == []
    repository.publish([image("v1")], now)
    assert repository.refresh(now + timedelta(hours=11)) == []
    assert repository.refresh(now + timedelta(hours=13)) == ["timestamp"]
    assert repository.refresh(now + timedelta(days=4)) == ["snapshot", "timestamp"]
    reader = client(repository, tmp_path / "cache")
    reader.refresh()
    assert reader.has_image("demo", "v1", "t")


def test_expired_metadata_is_refused(repository: Repository, tmp_path: Path) -> None:
    repository.publish([image("v1")], datetime.now(UTC) - timedelta(days=2))
    with pytest.raises(ReleaseRefused, match="ExpiredMetadataError"):
        client(repository, tmp_path / "cache").refresh()


def test_a_wiped_bucket_goes_on_with_higher_versions(
    repository: Repository, tmp_path: Path
) -> None:
    repository.publish([image("v1")])
    reader = client(repository, tmp_path / "cache")
    reader.refresh()
    for folder in (edge_layout.TUF_METADATA, edge_layout.TUF_TARGETS):
        for row in list(repository.store.objects(folder)):
            repository.store.delete(row.key)
    assert repository.publish([image("v2")])["timestamp"] == 2
    reader.refresh()
    assert not reader.has_image("demo", "v1", "t")


def test_keys_are_private_made_once_and_must_belong_together(tmp_path: Path) -> None:
    folder = make_keys(tmp_path / "keys")
    assert {path.stat().st_mode & 0o777 for path in folder.path.glob("*.pem")} == {0o600}
    before = {path.name: path.read_bytes() for path in folder.path.glob("*.pem")}
    again = make_keys(tmp_path / "keys")
    assert {path.name: path.read_bytes() for path in again.path.glob("*.pem")} == before
    stranger = make_keys(tmp_path / "other")
    (folder.path / "targets.pem").write_bytes((stranger.path / "targets.pem").read_bytes())
    with pytest.raises(SigningKeyError, match="not a key that"):
        folder.signer("targets")
    (folder.path / "snapshot.pem").unlink()
    with pytest.raises(SigningKeyError, match="no key for role snapshot"):
        folder.signer("snapshot")
    root = json.loads(folder.root_path.read_text())
    root["signed"]["version"] = 2
    folder.root_path.write_text(json.dumps(root))
    with pytest.raises(SigningKeyError, match=r"root\.json"):
        make_keys(folder.path)


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [
        ("http://127.0.0.1:9000", True),
        ("http://localhost:9000", True),
        ("http://[::1]:9000", True),
        ("https://s3.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("", False),
    ],
)
def test_development_keys_sign_only_for_this_machine(
    tmp_path: Path, endpoint: str, allowed: bool
) -> None:
    environment = {"TINYOPS_STATE": str(tmp_path), "AWS_ENDPOINT_URL_S3": endpoint}
    if allowed:
        assert signing_keys(environment).path == tmp_path / "keys"
        return
    with pytest.raises(SigningKeyError, match="development keys may not sign"):
        signing_keys(environment)
    make_keys(tmp_path / "keys")
    own = environment | {"TINYOPS_SIGNING_KEYS": str(tmp_path / "keys")}
    assert signing_keys(own).path == tmp_path / "keys"
