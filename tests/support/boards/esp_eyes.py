"""Virtual ESP-EYEs for tests: their applications are never run, only counted."""

from __future__ import annotations

from typing import Any

from tests.support.boards.virtual_boards import idle_image
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import Image
from tinyops.boards.virtual.esp_eye import EspEye

ESP_EYE = load_board("esp-eye")


def image(size: int = 20_000, seed: int = 0) -> Image:
    return idle_image(size, seed=seed, board=ESP_EYE.name)


class Eye(EspEye):
    """Starts no application: says that it would have."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.launches = 0

    def launch(self) -> None:
        self._power_off()
        self.mode = "application"
        self.launches += 1

    def application(self, size: int) -> bytes:
        """So many bytes of ota_0."""
        return self.flash.read(self.APP, size)
