"""Images for real boards beside a release: built where arduino-cli is installed, never signed.

They are the release's sources, compiled by the vendor's toolchain. No emulator runs a vendor's
core, so nothing proves them, and a gateway is not given them: `tinyops flash` writes them by hand.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from tinyops.conversion.arduino import build
from tinyops.conversion.arduino.library import export_library
from tinyops.conversion.images.build_request import BuildRequest
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.projects import Project
from tinyops.store import Store, layout, sha256_hex

log = logging.getLogger(__name__)


def build_real_targets(
    store: Store, project: Project, requests: list[BuildRequest]
) -> dict[str, Any]:
    """Build what can be built here; writes real-targets.json and an image of each.

    Parameters
    ----------
    requests
        One a board; their targets are replaced.

    Returns
    -------
    {target: {board, built, reason}} or, where it was built, {board, built, uri, bytes, sha256,
    offset, sizes, fqbn}. What cannot be built stops no release.
    """
    facts: dict[str, Any] = {}
    folder = ""
    for request in requests:
        target = request.board.real_target
        if target is None or target in facts:
            continue
        folder = layout.release(project.name, request.version)
        real = replace(request, target=target)
        facts[target] = {"board": request.board.name} | _build(store, project, real, folder)
        if not facts[target]["built"]:
            log.info("no image for %s: %s", target, facts[target]["reason"])
    if facts:
        store.put_json(folder + layout.REAL_TARGETS, facts)
    return facts


def _build(store: Store, project: Project, request: BuildRequest, folder: str) -> dict[str, Any]:
    reason = build.unavailable(request.board)
    if reason is not None:
        return {"built": False, "reason": reason}
    try:
        library = export_library(request, project)
        image, sizes = build.build(library, request.board)
    except ConversionError as error:
        return {"built": False, "reason": error.message}
    return {
        "built": True,
        "uri": store.put(folder + layout.unproven_image_name(request.target), image.bytes),
        "bytes": len(image.bytes),
        "sha256": sha256_hex(image.bytes),
        "offset": image.offset,
        "sizes": sizes.to_dict(),
        "fqbn": library.fqbn,
    }
