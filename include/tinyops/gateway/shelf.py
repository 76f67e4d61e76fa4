"""Images for this gateway's devices: from its own folder, else from the signed repository."""

from __future__ import annotations

from collections.abc import Collection

from tinyops.boards.catalogue import load_board
from tinyops.boards.errors import ImageRefused
from tinyops.boards.image import Image, ImageError, load_image
from tinyops.gateway.config import DeviceConfig
from tinyops.gateway.database import DiskFull
from tinyops.gateway.disk_reserve import DiskReserve
from tinyops.gateway.images import ImageStore
from tinyops.gateway.journal import ImageName, Journal
from tinyops.gateway.watch import ReleaseWatch
from tinyops.releases.errors import ReleaseRefused


class Shelf:
    """Keeps the confirmed and the pending image of every device, so a restore needs no network.

    `devices`: their ids; what others have had is dropped.
    """

    def __init__(
        self,
        images: ImageStore,
        watch: ReleaseWatch,
        journal: Journal,
        devices: Collection[str],
        reserve: DiskReserve,
    ) -> None:
        self._images = images
        self._watch = watch
        self._journal = journal
        self._devices = devices
        self._reserve = reserve
        self.prune()

    def name(self, device: DeviceConfig, version: str) -> ImageName:
        """The signed image of a version for a device's target.

        Raises
        ------
        ReleaseRefused
            The release has none, or its metadata does not verify.
        ReleaseUnavailable
            It cannot be read now.
        """
        client = self._watch.client()
        return ImageName(version, client.image_sha256(device.project, version, device.target))

    def fetch(self, device: DeviceConfig, name: ImageName) -> Image:
        """An image, verified again, and made for this device by its own header.

        Raises
        ------
        ImageRefused
            The image is not what its place in the repository says.
        ReleaseRefused, ReleaseUnavailable
            As with `name`.
        DiskFull
            The image is not here and there is no room for it.
        """
        data = self._images.read(name.sha256)
        if data is None:
            if problem := self._reserve.problem:
                raise DiskFull(problem, "Free space on the disk of the state folder.")
            path = self._images.path(name.sha256)
            client = self._watch.client()
            client.download_image(device.project, name.version, device.target, path)
            data = self._images.read(name.sha256)
            if data is None:
                path.unlink(missing_ok=True)
                raise ReleaseRefused(
                    f"{device.project} {name.version} is signed with another image by now",
                    "release under a new version",
                )
        try:
            image = load_image(data, load_board(device.board).flash.app_offset)
        except ImageError as error:
            raise ImageRefused(error.message, error.fix) from None
        for field, wanted in (
            ("project", device.project),
            ("version", name.version),
            ("target", device.target),
        ):
            says = getattr(image.header, field)
            if says != wanted:
                raise ImageRefused(
                    f"the image of {device.project} {name.version} says that its {field} is "
                    f"{says!r}, not {wanted!r}",
                    "build the release again",
                )
        return image

    def prune(self) -> None:
        """Drop every image that none of the devices has confirmed or is about to get."""
        self._images.prune(self._journal.images(self._devices))
