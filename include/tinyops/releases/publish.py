"""Publication: sign a proved version, then move the channel that gateways follow."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from tuf.api.metadata import TargetFile

from tinyops.boards.catalogue import load_board
from tinyops.fleet.devices import for_targets, reported_devices
from tinyops.projects import load_project
from tinyops.releases import paths
from tinyops.releases.bundle import BundleImage, BundleTarget, Manifest
from tinyops.releases.errors import ReleaseError, SealBroken
from tinyops.releases.evidence import Evidence, read_evidence
from tinyops.releases.keys import signing_keys
from tinyops.releases.repository import NewTarget, Repository
from tinyops.releases.rollout import (
    Channel,
    next_channel,
    open_ring,
    require_canary,
    roll_back,
)
from tinyops.releases.seal import Seal
from tinyops.store import (
    Consumer,
    ObjectMissing,
    Pointer,
    Receipt,
    Store,
    edge_layout,
    layout,
    receipts,
    sha256_hex,
)
from tinyops.wrong_key import wrong_key


def sign_and_stage(store: Store, project: str, version: str) -> dict[str, Any]:
    """Sign a version's images and put it on trial in the first ring; may be repeated at any point.

    Writes images, manifest and channel to the TUF repository in one publication, then the release
    manifest, the pointer `release` and the candidate's receipt. A version that was staged before is
    left as it is: repeating an old publication does not move the channel back.

    Raises
    ------
    ReleaseError
        As of `read_evidence`, or the first ring holds none of the devices that gateways report.
        Nothing was signed.
    SigningKeyError
        A key is missing, or development keys would sign for another machine.
    """
    rings = load_project(project).rollout.rings
    keys = signing_keys()
    evidence = read_evidence(store, keys.seal(), project, version)
    repository = Repository(store, keys)
    signed = repository.targets()
    channel = _channel_of(signed, project)
    # Staged is what is signed: the copy of the manifest beside the evidence is for readers.
    manifest = _signed_manifest(store, signed, project, version)
    if manifest is None:
        manifest = _manifest(project, version, datetime.now(UTC).isoformat(), evidence)
        channel = next_channel(channel, project, version, rings)
        _require_canary(store, channel, {image.target for image in evidence.images})
        repository.publish([*_files(manifest, evidence), _pointer(channel)])
    staged = manifest.model_dump(mode="json")
    # Sealed, so that a release which has left the signed metadata is known to have been staged.
    keys.seal().put_json(store, layout.release_manifest(project, version), staged)
    if channel is not None and channel.version == version:
        _write_pointer(store, channel, staged["created"])
    if evidence.candidate:
        receipt = Receipt(Consumer.RELEASE, evidence.candidate, "done", output=version)
        receipts.write(store, project, receipt)
    return {
        "version": version,
        "candidate": evidence.candidate,
        "targets": sorted(staged["targets"]),
        "bytes": sum(len(image.content) for image in evidence.images),
    }


def check_first_ring(store: Store, project: str, version: str) -> None:
    """Check that a version's first ring would hold a device, before anything is built for it.

    Raises
    ------
    ReleaseError
        It holds none of the devices that gateways report. Names the smallest share that does.
    SigningKeyError
        As in `sign_and_stage`.
    """
    scope = load_project(project)
    channel = next_channel(read_channel(store, project), project, version, scope.rollout.rings)
    targets = {target for board in scope.boards for target in load_board(board).targets}
    _require_canary(store, channel, targets)


def move_channel(
    store: Store, project: str, version: str | None = None, ring: int | None = None
) -> dict[str, Any]:
    """Put a staged version on trial, or open another ring; returns the channel.

    Naming the stable version ends the trial (`rollout.roll_back`). Opening the ring with share 1.0
    promotes the version on trial. An older version whose files were dropped from the signed
    metadata is signed again.

    Raises
    ------
    ReleaseError
        Nothing was released yet, the version was never staged, there is no such ring, or the ring
        holds none of the devices that gateways report.
    """
    keys = signing_keys()
    repository = Repository(store, keys)
    signed = repository.targets()
    current = _channel_of(signed, project)
    if current is None:
        raise ReleaseError(f"{project} has no release", "release a candidate first")
    channel, files = current, []
    if version is not None and version not in (current.version, current.stable):
        files = _files_again(store, keys.seal(), signed, project, version)
    if version is not None:
        channel = next_channel(current, project, version, current.rings)
    if ring is not None:
        channel = open_ring(channel, ring)
    manifest: dict[str, Any] = store.get_json_or(
        layout.release_manifest(project, channel.version), {}
    )
    if channel != current:
        _require_canary(store, channel, manifest.get("targets", ()))
    repository.publish([*files, _pointer(channel)])
    _write_pointer(store, channel, str(manifest.get("created", "")))
    return channel.model_dump(mode="json")


def roll_back_channel(store: Store, project: str) -> dict[str, Any]:
    """End the trial: all devices of the project run the stable version. Returns the channel.

    Raises
    ------
    ReleaseError
        Nothing was released yet, or no version was promoted yet.
    """
    repository = Repository(store, signing_keys())
    signed = repository.targets()
    current = _channel_of(signed, project)
    if current is None:
        raise ReleaseError(f"{project} has no release", "release a candidate first")
    return move_channel(store, project, version=roll_back(current).version)


def read_channel(store: Store, project: str) -> Channel | None:
    """The signed channel of a project; None before its first release."""
    return _channel_of(Repository(store, signing_keys()).targets(), project)


def _channel_of(signed: dict[str, TargetFile], project: str) -> Channel | None:
    file = signed.get(paths.channel(project))
    if file is None:
        return None
    try:
        return Channel.model_validate_json(file.custom["channel"])
    except ValidationError as error:
        key, reason, _ = wrong_key(error)
        raise ReleaseError(
            f"signed {paths.channel(project)} is invalid: {key}: {reason}",
            "Remove tuf/metadata/timestamp.json to begin with no releases, then release again; "
            "devices keep what they run.",
        ) from None


def _require_canary(store: Store, channel: Channel, targets: Collection[str]) -> None:
    devices = for_targets(reported_devices(store, channel.project), targets)
    require_canary(channel, [device.id for device in devices])


def _write_pointer(store: Store, channel: Channel, created: str) -> None:
    """Mirror the channel in the pointer `release`, for readers that verify no signature."""
    store.put_json(
        layout.pointer(channel.project, Pointer.RELEASE),
        {
            "version": channel.version,
            "stable": channel.stable,
            "uri": store.uri(layout.release_manifest(channel.project, channel.version)),
            "at": created,
        },
    )


def _files_again(
    store: Store, seal: Seal, signed: dict[str, TargetFile], project: str, version: str
) -> list[NewTarget]:
    """Files of a staged version, to be signed as before; none where they are signed.

    Raises
    ------
    ReleaseError
        The version was never staged: it is not signed, and no sealed manifest of it is there.
    """
    if paths.manifest(project, version) in signed:
        return []
    try:
        created = str(seal.get_json(store, layout.release_manifest(project, version))["created"])
    except (ObjectMissing, SealBroken):
        raise ReleaseError(
            f"{project} {version} was never staged", "name a staged version"
        ) from None
    evidence = read_evidence(store, seal, project, version)
    return _files(_manifest(project, version, created, evidence), evidence)


def _signed_manifest(
    store: Store, signed: dict[str, TargetFile], project: str, version: str
) -> Manifest | None:
    path = paths.manifest(project, version)
    if path not in signed:
        return None
    sha256 = signed[path].hashes["sha256"]
    data = store.get(edge_layout.tuf_target(path, sha256))
    if sha256_hex(data) != sha256:
        raise ReleaseError(
            f"{store.uri(edge_layout.tuf_target(path, sha256))} is not what was signed",
            "restore it from a backup",
        )
    return Manifest.model_validate_json(data)


def _manifest(project: str, version: str, created: str, evidence: Evidence) -> Manifest:
    return Manifest(
        project=project,
        version=version,
        created=created,
        dataset=evidence.dataset,
        targets={
            image.target: BundleTarget(
                board=image.header.board,
                images=[
                    BundleImage.model_validate(
                        {
                            "path": paths.image(project, version, image.target),
                            "offset": image.offset,
                            "role": image.role,
                            "sha256": sha256_hex(image.content),
                            "size": len(image.content),
                        }
                    )
                ],
            )
            for image in evidence.images
        },
        evidence=evidence.digests,
    )


def _files(manifest: Manifest, evidence: Evidence) -> list[NewTarget]:
    project, version = manifest.project, manifest.version
    about = {"project": project, "version": version}
    return [
        *(
            NewTarget(
                paths.image(project, version, image.target),
                image.content,
                about | {"target": image.target, "board": image.header.board},
            )
            for image in evidence.images
        ),
        NewTarget(
            paths.manifest(project, version),
            manifest.model_dump_json(indent=2).encode(),
            about | {"created": manifest.created},
        ),
    ]


def _pointer(channel: Channel) -> NewTarget:
    # The publisher reads its own pointer back from the signed custom data: as text, since canonical
    # JSON, which is what is signed, has no fractions.
    text = channel.model_dump_json(indent=2)
    return NewTarget(paths.channel(channel.project), text.encode(), {"channel": text})
