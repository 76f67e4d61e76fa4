"""What esptool prints becomes progress, a result, or an error of its kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyops.boards.drivers.esptool_output import Output
from tinyops.boards.errors import (
    BoardError,
    BoardSilent,
    FlashFailed,
    PortLost,
    WrongAnswer,
)

# What esptool 5.6.0 printed on a pipe when it wrote 40,000 bytes to a virtual ESP-EYE, without its
# two notes on the port.
PRINTED = """\
esptool v5.6.0
Serial port tty:
Connecting...
Connected to ESP32 on tty:
Chip type:          ESP32-D0WD (revision v0.0)
Features:           Wi-Fi, BT, Dual Core + LP Core, 240MHz, Coding Scheme None
Crystal frequency:  40MHz
MAC:                24:0a:c4:00:00:01

Uploading stub flasher...
Running stub flasher...
Stub flasher running.
Changing baud rate to 460800...
Changed.

Configuring flash size...
Flash will be erased from 0x00020000 to 0x00029fff...
Compressed 40000 bytes to 39866...
Writing at 0x00024095 ━━━━━━━━━━━━                    41.1% 16.00kB/38.93kB [0s]\x20
Writing at 0x0002808f ━━━━━━━━━━━━━━━━━━━━━━━━╸       82.2% 32.00kB/38.93kB [0s]\x20
Writing at 0x00029c40 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 100.0% 38.93kB/38.93kB [0s]\x20
Wrote 40000 bytes (39866 compressed) at 0x00020000 in 0.1 seconds (2528.3 kbit/s).
Verifying written data...
Hash of data verified.

Staying in bootloader.
""".encode()


@given(st.integers(1, 40))
def test_progress_is_read_from_output_in_pieces_of_any_size(size: int) -> None:
    output, written = Output(0x20000), []
    for at in range(0, len(PRINTED), size):
        output.feed(PRINTED[at : at + size])
        written.append(output.written)
    assert sorted({*written} - {0}) == [0x4095, 0x808F, 40_000]
    assert output.verified
    assert output.stub
    assert output.version == "5.6.0"


@pytest.mark.parametrize(
    ("said", "kind", "fix"),
    [
        ("/usr/bin/python: No module named esptool", BoardError, "install tinyops[gateway]"),
        (
            "ERROR: A fatal error occurred: Could not open /dev/ttyUSB0, the port is busy or "
            "doesn't exist.\n([Errno 11] Could not exclusively lock port /dev/ttyUSB0: [Errno 11] "
            "Resource temporarily unavailable)",
            PortLost,
            "stop the program",
        ),
        (
            "ERROR: A fatal error occurred: Could not open /dev/ttyUSB0, the port is busy or "
            "doesn't exist.\n([Errno 2] could not open port /dev/ttyUSB0)",
            PortLost,
            "plug the board in",
        ),
        (
            "ERROR: A serial exception error occurred: write failed: [Errno 5] Input/output error",
            PortLost,
            "plug the board in",
        ),
        (
            "ERROR: A fatal error occurred: This chip is ESP32-S3, not ESP32. Wrong chip argument?",
            WrongAnswer,
            "connect the board",
        ),
        (
            "ERROR: A fatal error occurred: MD5 of file does not match data in flash!",
            FlashFailed,
            "another cable",
        ),
        (
            "ERROR: A fatal error occurred: Serial data stream stopped: Possible serial noise or "
            "corruption.",
            BoardSilent,
            "hold BOOT",
        ),
        ("ERROR: A fatal error occurred: Something new.", WrongAnswer, "hold BOOT"),
        ("", WrongAnswer, "hold BOOT"),
    ],
)
def test_what_esptool_says_becomes_the_error_of_its_kind(
    said: str, kind: type[BoardError], fix: str
) -> None:
    output = Output(0)
    output.feed(said.encode())
    error = output.failure("/dev/ttyUSB0")
    assert type(error) is kind
    assert fix in error.fix
    assert error.message.startswith("/dev/ttyUSB0: esptool: ")
