"""What was flashed, running on a chip: its link to the host and its requests for samples."""

from __future__ import annotations

import select

from tinyops.boards.virtual.sensor import VirtualSensor
from tinyops.boards.virtual.uart import Uart
from tinyops.emulation import Chip


class Application:
    """A chip under power, with what hangs on its two UARTs."""

    def __init__(self, chip: Chip, sensor: VirtualSensor | None) -> None:
        self._chip = chip
        self._sensor = sensor
        self._link, self._samples = Uart(chip.uart0), Uart(chip.uart1)

    def stop(self) -> None:
        """Power off."""
        self._chip.stop()

    def register(self, poll: select.poll) -> None:
        """Wait for the chip too, as long as it lives."""
        if not self._chip.alive:
            return
        for uart in (self._link, self._samples):
            uart.flush()
            waits = select.POLLOUT if uart.pending else 0
            poll.register(uart.socket, select.POLLIN | waits)

    def next_due(self) -> float | None:
        """When the sensor has something to say by itself."""
        return self._sensor.next_due() if self._sensor else None

    def send(self, data: bytes) -> None:
        """Bytes from the host."""
        self._link.send(data)

    def serve(self) -> bytes:
        """Answer requests for samples; what the application has to say to the host."""
        said = self._link.receive()
        requests = self._samples.receive()
        if self._sensor is not None:
            self._sensor.feed(requests)
            self._samples.send(self._sensor.answer(self._chip.shared_ram))
        return said
