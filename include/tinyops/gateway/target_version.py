"""The image that a device shall run next, by the signed channel and what the device refused."""

from __future__ import annotations

from tinyops.gateway.config import DeviceConfig
from tinyops.gateway.device_record import DeviceRecord
from tinyops.gateway.journal import DeviceState, ImageName
from tinyops.gateway.shelf import Shelf
from tinyops.gateway.watch import ReleaseWatch


class TargetVersion:
    """Used by the device's thread."""

    def __init__(
        self, device: DeviceConfig, watch: ReleaseWatch, shelf: Shelf, record: DeviceRecord
    ) -> None:
        self._device = device
        self._watch = watch
        self._shelf = shelf
        self._record = record

    @property
    def version(self) -> str:
        """The version that the channel names for this device; empty for none."""
        return self._watch.wanted(self._device.project, self._device.id)

    def image(self, state: DeviceState) -> ImageName:
        """Image to write to the device; none if it runs the version or has refused it.

        Raises
        ------
        ReleaseRefused, ReleaseUnavailable
            As with `Shelf.name`.
        """
        version = self.version
        if not version or version == state.confirmed.version:
            return ImageName()
        image = self._shelf.name(self._device, version)
        return ImageName() if self._record.refused(image) else image
