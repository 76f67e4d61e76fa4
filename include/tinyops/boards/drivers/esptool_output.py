"""What esptool 5.6.0 prints while it writes, when its output is no terminal: one line a block.

The words are those of its loader.py and cmds.py; it ends with status 0, or 1 or 2 after an error.
"""

from __future__ import annotations

import re

from tinyops.boards.errors import BoardError, BoardSilent, FlashFailed, PortLost, WrongAnswer

HINT = "hold BOOT, press RST (or EN), release BOOT, and try again; check that the cable has data"
_VERSION = re.compile(r"^esptool v(\S+)")
_WRITING = re.compile(r"^Writing at (0x[0-9a-f]+) ")
_ERROR = re.compile(r"A (?:fatal|serial exception) error occurred: (.+)")
_FAILURES: tuple[tuple[str, type[BoardError], str], ...] = (
    (r"No module named '?esptool", BoardError, "install tinyops[gateway]"),
    (r"exclusively lock|resource busy", PortLost, "stop the program that uses the port"),
    (
        r"port is busy or doesn't exist|serial exception",
        PortLost,
        "plug the board in and check the port's name and your right to use it",
    ),
    (
        r"This chip is .+, not |This chip doesn't appear to be",
        WrongAnswer,
        "connect the board that is named, or correct the board's name",
    ),
    (
        r"MD5 of file does not match|flash region is empty",
        FlashFailed,
        "try another cable; if it stays so, the board's flash is worn",
    ),
    (r"Failed to connect|No serial data|stopped|no response", BoardSilent, HINT),
)


class Output:
    """One session's output, fed in any pieces.

    Parameters
    ----------
    offset
        Where in flash the image begins.
    """

    def __init__(self, offset: int) -> None:
        self.written = 0
        """Bytes of the image that the board has taken."""
        self.verified = False
        """Whether the MD5 of the flash is that of the image."""
        self.version = ""
        self.stub = False
        self._offset = offset
        self._open = b""
        self._said: list[str] = []

    def feed(self, data: bytes) -> None:
        """Take what it has printed."""
        *whole, self._open = (self._open + data).split(b"\n")
        for line in whole:
            self._take(line.decode(errors="replace").strip())

    def value(self, name: str) -> str:
        """What follows `name:` in a line of its own; empty when there is none."""
        return next(
            (line.partition(":")[2].strip() for line in self._said if line.startswith(f"{name}:")),
            "",
        )

    def failure(self, port: str) -> BoardError:
        """Why the session failed: the error whose words were printed."""
        self.feed(b"\n")
        said = "\n".join(self._said)
        reasons = [found[1] for line in self._said if (found := _ERROR.search(line))]
        reason = reasons[-1] if reasons else next(iter(self._said[-1:]), "it said nothing")
        message = f"{port}: esptool: {reason}"
        for words, kind, fix in _FAILURES:
            if re.search(words, said):
                return kind(message, fix)
        return WrongAnswer(message, HINT)

    def _take(self, line: str) -> None:
        if found := _WRITING.match(line):
            self.written = max(0, int(found[1], 16) - self._offset)
            return
        if found := _VERSION.match(line):
            self.version = found[1]
        self.stub |= line == "Stub flasher running."
        self.verified |= line == "Hash of data verified."
        if line:
            self._said.append(line)
