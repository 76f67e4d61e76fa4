"""What may be signed, and that signing may be repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.gateway.gateway_bench import (
    PROJECT,
    TARGET,
    release,
    renamed,
    use_rings,
    write_evidence,
)
from tinyops.boards.image import Image
from tinyops.releases import paths, pruning
from tinyops.releases.errors import ReleaseError, SealBroken, SigningKeyError
from tinyops.releases.evidence import read_evidence
from tinyops.releases.keys import make_keys, signing_keys
from tinyops.releases.publish import (
    check_first_ring,
    move_channel,
    read_channel,
    roll_back_channel,
    sign_and_stage,
)
from tinyops.releases.refresh import refresh_metadata
from tinyops.releases.repository import NewTarget, Repository
from tinyops.releases.seal import Seal
from tinyops.store import Consumer, Pointer, Store, edge_layout, layout, receipts

pytestmark = pytest.mark.slow


def objects(store: Store) -> dict[str, str]:
    written = layout.receipts(PROJECT, Consumer.RELEASE)
    return {row.key: row.etag for row in store.objects("") if not row.key.startswith(written)}


def test_a_publication_leaves_manifest_pointer_receipt_and_may_be_repeated(
    released_store: Store, built: Image
) -> None:
    result = release(released_store, built)
    assert result == {
        "version": "v1",
        "candidate": "run-v1",
        "targets": [TARGET],
        "bytes": len(built.bytes),
    }
    before = objects(released_store)
    assert sign_and_stage(released_store, PROJECT, "v1") == result
    assert objects(released_store) == before
    manifest = released_store.get_json(layout.release_manifest(PROJECT, "v1"))
    assert manifest["targets"][TARGET]["images"][0]["size"] == len(built.bytes)
    assert set(manifest["evidence"]) == {
        layout.FIT,
        layout.BENCHMARK,
        layout.proof_name(TARGET),
        layout.image_facts_name(TARGET),
    }
    assert released_store.get_json(layout.pointer(PROJECT, Pointer.RELEASE))["version"] == "v1"
    receipt = receipts.read(released_store, PROJECT, Consumer.RELEASE, "run-v1")
    assert receipt is not None
    assert receipt.output == "v1"
    assert refresh_metadata(released_store) == {"signed": []}


def test_a_version_without_a_clean_proof_is_not_signed(released_store: Store, built: Image) -> None:
    folder = layout.release(PROJECT, "v1")
    with pytest.raises(ReleaseError, match="3 of 8 windows differ"):
        release(released_store, built, mismatches=3)
    released_store.delete(folder + layout.proof_name(TARGET))
    with pytest.raises(ReleaseError, match=rf"proof-{TARGET}\.json is missing"):
        sign_and_stage(released_store, PROJECT, "v1")
    write_evidence(released_store, built)
    released_store.put(folder + layout.image_name(TARGET), renamed(built, "v9").bytes)
    with pytest.raises(ReleaseError, match="about another image"):
        sign_and_stage(released_store, PROJECT, "v1")
    with pytest.raises(ReleaseError, match="holds no image"):
        sign_and_stage(released_store, PROJECT, "v2")
    assert read_channel(released_store, PROJECT) is None


FILES = (
    layout.FIT,
    layout.BENCHMARK,
    layout.proof_name(TARGET),
    layout.image_facts_name(TARGET),
)


@pytest.mark.parametrize("name", FILES)
def test_evidence_that_no_stage_wrote_signs_nothing(
    released_store: Store, built: Image, name: str
) -> None:
    store, seal = released_store, signing_keys().seal()
    write_evidence(store, built)
    write_evidence(store, renamed(built, "v2"))
    key = layout.release(PROJECT, "v1") + name
    sealed = store.get_json(key)
    plain = {word: value for word, value in sealed.items() if word != "seal"}
    changed = {"passed": True, "mismatches": 0, "offset": 0, "note": "looks good"}
    forged: list[object] = [
        plain,
        plain | {"seal": ""},
        plain | {"seal": "0" * 64},
        plain | {"seal": None},
        sealed | changed,
        store.get_json(layout.release(PROJECT, "v2") + name),
        [],
    ]
    others = [other for other in FILES if other != name]
    forged += [store.get_json(layout.release(PROJECT, "v1") + other) for other in others]
    for content in forged:
        store.put_json(key, content)
        with pytest.raises(SealBroken, match=f"v1/{name} carries no seal of this pipeline"):
            read_evidence(store, seal, PROJECT, "v1")
    Seal(b"k" * 32).put_json(store, key, plain)
    with pytest.raises(SealBroken):
        read_evidence(store, seal, PROJECT, "v1")
    store.put(key, b"[" * 50_000)
    with pytest.raises(SealBroken):
        sign_and_stage(store, PROJECT, "v1")
    assert read_channel(store, PROJECT) is None
    store.put_json(key, dict(reversed(sealed.items())))
    assert sign_and_stage(store, PROJECT, "v1")["version"] == "v1", "the order of keys is free"


def test_a_version_that_a_stage_refused_is_not_signed(released_store: Store, built: Image) -> None:
    store, seal = released_store, signing_keys().seal()
    for name in (layout.FIT, layout.BENCHMARK):
        write_evidence(store, built)
        key = layout.release(PROJECT, "v1") + name
        seal.put_json(store, key, seal.get_json(store, key) | {"passed": False})
        with pytest.raises(ReleaseError, match=rf"{name}: the candidate did not pass"):
            sign_and_stage(store, PROJECT, "v1")


def test_evidence_is_of_one_model_and_of_all_its_images(
    released_store: Store, built: Image
) -> None:
    store, seal = released_store, signing_keys().seal()
    write_evidence(store, built)
    folder = layout.release(PROJECT, "v1")
    fit = seal.get_json(store, folder + layout.FIT)
    seal.put_json(store, folder + layout.FIT, fit | {"model_sha256": "0" * 64})
    with pytest.raises(ReleaseError, match=rf"proof-{TARGET}\.json is about model"):
        sign_and_stage(store, PROJECT, "v1")
    seal.put_json(store, folder + layout.FIT, fit)
    benchmark = seal.get_json(store, folder + layout.BENCHMARK)
    more = benchmark["targets"] | {"esp-eye-host-virtual": {}}
    seal.put_json(store, folder + layout.BENCHMARK, benchmark | {"targets": more})
    with pytest.raises(ReleaseError, match="expected esp-eye-host-virtual, nano33ble"):
        sign_and_stage(store, PROJECT, "v1")


def test_a_planted_manifest_stages_nothing(released_store: Store, built: Image) -> None:
    store = released_store
    release(store, built)
    signed = store.get_json(layout.release_manifest(PROJECT, "v1"))
    write_evidence(store, renamed(built, "v2"))
    store.put_json(layout.release_manifest(PROJECT, "v2"), signed | {"version": "v2"})
    with pytest.raises(ReleaseError, match="v2 was never staged"):
        move_channel(store, PROJECT, version="v2")
    store.put_json(layout.release_manifest(PROJECT, "v1"), {"targets": {}})
    sign_and_stage(store, PROJECT, "v1")
    assert store.get_json(layout.release_manifest(PROJECT, "v1")) == signed
    sign_and_stage(store, PROJECT, "v2")
    assert move_channel(store, PROJECT, version="v2")["version"] == "v2"


def test_without_the_key_nothing_is_sealed_or_signed(
    released_store: Store, built: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_evidence(released_store, built)
    keys = make_keys(tmp_path / "own")
    monkeypatch.setenv("TINYOPS_SIGNING_KEYS", str(keys.path))
    with pytest.raises(SealBroken):
        sign_and_stage(released_store, PROJECT, "v1")
    keys.evidence_key_path.write_bytes(b"short")
    with pytest.raises(SigningKeyError, match=r"evidence\.key: 5 bytes, expected 32 or more"):
        sign_and_stage(released_store, PROJECT, "v1")
    keys.evidence_key_path.unlink()
    with pytest.raises(SigningKeyError, match=r"no key that seals evidence: .*evidence\.key"):
        sign_and_stage(released_store, PROJECT, "v1")
    assert make_keys(keys.path).seal(), "made where the other keys were made before it"


def test_repeating_an_old_publication_does_not_move_the_channel_back(
    released_store: Store, built: Image
) -> None:
    release(released_store, built)
    release(released_store, renamed(built, "v2"))
    sign_and_stage(released_store, PROJECT, "v1")
    channel = read_channel(released_store, PROJECT)
    assert channel is not None
    assert (channel.version, channel.stable) == ("v2", "v2")
    assert released_store.get_json(layout.pointer(PROJECT, Pointer.RELEASE))["version"] == "v2"
    moved = move_channel(released_store, PROJECT, version="v1")
    assert (moved["version"], moved["stable"]) == ("v1", "v1")
    assert released_store.get_json(layout.pointer(PROJECT, Pointer.RELEASE))["version"] == "v1"
    with pytest.raises(ReleaseError, match="never staged"):
        move_channel(released_store, PROJECT, version="v7")
    with pytest.raises(ReleaseError, match="no ring 1"):
        move_channel(released_store, PROJECT, ring=1)


def report_devices(store: Store, **devices: str) -> None:
    """A gateway's status with devices and their targets."""
    rows = {name: {"project": PROJECT, "target": target} for name, target in devices.items()}
    store.put_json(edge_layout.gateway_status("line-1"), {"devices": rows})


def test_a_canary_that_reaches_no_known_device_is_not_signed(
    released_store: Store, built: Image
) -> None:
    use_rings(0.001, 1.0)
    release(released_store, built)  # nobody is known yet
    report_devices(released_store, d1=TARGET, d2="another-target")
    with pytest.raises(ReleaseError, match=r"ring 0 holds no device: share 0\.001 of 1 known"):
        check_first_ring(released_store, PROJECT, "v2")
    with pytest.raises(ReleaseError, match=r"ring 0 holds no device: share 0\.001 of 1 known"):
        release(released_store, renamed(built, "v2"))
    channel = read_channel(released_store, PROJECT)
    assert channel is not None
    assert (channel.version, channel.stable) == ("v1", "")
    assert paths.manifest(PROJECT, "v2") not in Repository(released_store, signing_keys()).targets()
    assert not released_store.exists(layout.release_manifest(PROJECT, "v2"))
    move_channel(released_store, PROJECT, ring=1)
    use_rings(0.9999, 1.0)
    sign_and_stage(released_store, PROJECT, "v2")
    pointer = released_store.get_json(layout.pointer(PROJECT, Pointer.RELEASE))
    assert (pointer["version"], pointer["stable"]) == ("v2", "v1")
    back = roll_back_channel(released_store, PROJECT)
    assert (back["version"], back["stable"]) == ("v1", "v1")


def test_a_release_that_left_the_metadata_is_signed_again_for_its_trial(
    released_store: Store, built: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "RELEASES_KEPT", 1)
    for version in ("v1", "v2", "v3"):
        release(released_store, renamed(built, version))
    repository = Repository(released_store, signing_keys())
    assert paths.manifest(PROJECT, "v1") not in repository.targets()
    move_channel(released_store, PROJECT, version="v1")
    assert paths.image(PROJECT, "v1", TARGET) in repository.targets()


def test_a_channel_of_another_format_is_named_with_its_fix(
    released_store: Store, built: Image
) -> None:
    release(released_store, built)
    text = json.dumps({"project": PROJECT, "version": "v1", "previous": "v0"})
    new = NewTarget(paths.channel(PROJECT), text.encode(), {"channel": text})
    Repository(released_store, signing_keys()).publish([new])
    with pytest.raises(ReleaseError, match=r"channel\.json is invalid: rings") as caught:
        read_channel(released_store, PROJECT)
    assert "timestamp.json" in caught.value.fix


def test_evidence_is_signed_with_the_release(released_store: Store, built: Image) -> None:
    release(released_store, built)
    copy = layout.release_manifest(PROJECT, "v1")
    manifest = signing_keys().seal().get_json(released_store, copy)
    path = paths.manifest(PROJECT, "v1")
    signed = Repository(released_store, signing_keys()).targets()[path]
    key = edge_layout.tuf_target(path, signed.hashes["sha256"])
    assert json.loads(released_store.get(key)) == manifest
