"""Publication: sign a proved version, then move the channel that gateways follow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tuf.api.metadata import TargetFile

from tinyops.projects import load_project
from tinyops.releases import paths
from tinyops.releases.bundle import BundleImage, BundleTarget, Manifest
from tinyops.releases.errors import ReleaseError
from tinyops.releases.evidence import Evidence, read_evidence
from tinyops.releases.keys import signing_keys
from tinyops.releases.repository import NewTarget, Repository
from tinyops.releases.rollout import Channel
from tinyops.store import Consumer, Pointer, Receipt, Store, layout, receipts, sha256_hex


def sign_and_stage(store: Store, project: str, version: str) -> dict[str, Any]:
    """Sign a version's images and open the first ring to it; may be repeated at any point.

    Writes images, manifest and channel to the TUF repository in one publication, then the release
    manifest, the pointer `release` and the candidate's receipt. A version that was staged before is
    left as it is: repeating an old publication does not move the channel back.

    Raises
    ------
    ReleaseError
        An image or its proof is missing, or the proof has mismatches. Nothing was signed.
    SigningKeyError
        A key is missing, or development keys would sign for another machine.
    """
    rings = load_project(project).rollout.rings
    evidence = read_evidence(store, project, version)
    repository = Repository(store, signing_keys())
    signed = repository.targets()
    channel = _channel_of(signed, project)
    staged = store.get_json_or(layout.release_manifest(project, version), None)
    if staged is None:
        created = datetime.now(UTC).isoformat()
        if earlier := signed.get(paths.manifest(project, version)):
            created = earlier.custom["created"]
        manifest = _manifest(store, project, version, created, evidence)
        channel = _next_channel(channel, project, version, rings)
        repository.publish([*_files(manifest, evidence), _pointer(channel)])
        staged = manifest.model_dump(mode="json")
        store.put_json(layout.release_manifest(project, version), staged)
    if channel is not None and channel.version == version:
        uri = store.uri(layout.release_manifest(project, version))
        store.put_json(
            layout.pointer(project, Pointer.RELEASE),
            {"version": version, "uri": uri, "at": staged["created"]},
        )
    if evidence.candidate:
        receipt = Receipt(Consumer.RELEASE, evidence.candidate, "done", output=version)
        receipts.write(store, project, receipt)
    return {
        "version": version,
        "candidate": evidence.candidate,
        "targets": sorted(staged["targets"]),
        "bytes": sum(len(image.content) for image in evidence.images),
    }


def move_channel(
    store: Store, project: str, version: str | None = None, ring: int | None = None
) -> dict[str, Any]:
    """Point the channel at a staged version (back, too), or open another ring.

    Raises
    ------
    ReleaseError
        Nothing was released yet, the version was never staged, or there is no such ring.
    """
    current = read_channel(store, project)
    if current is None:
        raise ReleaseError(f"{project} has no release", "release a candidate first")
    if version is not None and version != current.version:
        if not store.exists(layout.release_manifest(project, version)):
            raise ReleaseError(f"{project} {version} was never staged", "name a staged version")
        current = _next_channel(current, project, version, current.rings)
    if ring is not None:
        if not 0 <= ring < len(current.rings):
            raise ReleaseError(
                f"{project} has no ring {ring}", f"rings: 0 to {len(current.rings) - 1}"
            )
        current = current.model_copy(update={"ring": ring})
    Repository(store, signing_keys()).publish([_pointer(current)])
    return current.model_dump(mode="json")


def read_channel(store: Store, project: str) -> Channel | None:
    """The signed channel of a project; None before its first release."""
    return _channel_of(Repository(store, signing_keys()).targets(), project)


def _channel_of(signed: dict[str, TargetFile], project: str) -> Channel | None:
    file = signed.get(paths.channel(project))
    return Channel.model_validate_json(file.custom["channel"]) if file else None


def _next_channel(
    current: Channel | None, project: str, version: str, rings: list[float]
) -> Channel:
    if current is not None and current.version == version:
        return current
    return Channel(
        project=project,
        version=version,
        rings=rings,
        ring=0,
        salt=_salt(project, version),
        previous=current.version if current else "",
    )


def _salt(project: str, version: str) -> str:
    # Another release begins with other devices.
    return sha256_hex(f"{project}/{version}".encode())[:16]


def _manifest(
    store: Store, project: str, version: str, created: str, evidence: Evidence
) -> Manifest:
    candidate: dict[str, Any] = {}
    if evidence.candidate:
        key = layout.candidate_manifest(project, evidence.candidate)
        candidate = store.get_json_or(key, {})
    return Manifest(
        project=project,
        version=version,
        created=created,
        dataset=str(candidate.get("dataset", "")),
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
