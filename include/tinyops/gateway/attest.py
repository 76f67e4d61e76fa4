"""Attestation: the device shows what it runs.

HELLO names project, version and target and says whether the image had its CRC at boot; SELFTEST
runs the golden windows and returns a CRC over the flashed bytes that a fresh nonce seeds. That
detects accidents. A device with hostile firmware could answer anything.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from tinyops.boards.errors import PortLost
from tinyops.boards.image import Image, nonce_crc
from tinyops.boards.link import Decision, Hello, Link, LinkError
from tinyops.errors import TinyOpsError
from tinyops.gateway.connection import Connection
from tinyops.gateway.errors import AttestationFailed, StrangeBoard, Unresponsive

ASK = 0.4
"""Seconds to wait for one HELLO; what is asked while the board starts is lost."""
SELFTEST = 30.0
"""Seconds a self-test may take."""


class _RunsAnotherImage(LinkError):
    """HELLO reports another image."""


@dataclass(frozen=True)
class Sight:
    """What a device said of itself."""

    hello: Hello
    decision: Decision


def look(connection: Connection) -> Sight:
    """Ask a running device who it is and what it has decided.

    Raises
    ------
    PortLost
        The port is not there.
    StrangeBoard
        It is another board.
    TinyOpsError
        No answer, or one that cannot be read.
    """
    with connection.link() as link:
        hello = link.hello(ASK, attempts=3)
        connection.recognise(hello)
        return Sight(hello, link.decision(ASK, attempts=2))


def attest(
    connection: Connection,
    image: Image,
    seconds: float,
    pause: Callable[[float], None] = time.sleep,
) -> Sight:
    """Wait until the device shows that it runs `image`.

    Parameters
    ----------
    seconds
        How long the device may take to say HELLO; the self-test comes on top.
    pause
        Called between two tries with the seconds to wait; may raise to end them.

    Raises
    ------
    AttestationFailed
        The device runs something else, or fails its self-test.
    StrangeBoard
        It is another board.
    Unresponsive
        The port is there, but no valid answer comes.
    PortLost
        There is no port: nothing is known about the device.
    """
    deadline = time.monotonic() + seconds
    failure: type[AttestationFailed] = Unresponsive
    while True:
        try:
            with connection.link() as link:
                return _ask(connection, link, image)
        except PortLost:
            if time.monotonic() > deadline:
                raise
        except (AttestationFailed, StrangeBoard):
            raise
        except TinyOpsError as error:
            if isinstance(error, _RunsAnotherImage):
                failure = AttestationFailed
            if time.monotonic() > deadline:
                raise failure(
                    f"{connection.name}: no rightful HELLO in {seconds:g} s: {error.message}"
                ) from None
        pause(0.1)


def differs(hello: Hello, image: Image) -> str:
    """In what the running image is not this one; empty when it is."""
    for field in ("project", "version", "target", "image_crc32"):
        runs, wanted = getattr(hello.image, field), getattr(image.header, field)
        if runs != wanted:
            return f"{field} is {runs!r}, not {wanted!r}"
    return ""


def _ask(connection: Connection, link: Link, image: Image) -> Sight:
    hello = link.hello(ASK, attempts=3)
    connection.recognise(hello)
    if difference := differs(hello, image):
        raise _RunsAnotherImage(f"the device runs something else: {difference}")
    if not hello.boot_ok:
        raise AttestationFailed("the device found its image damaged at boot")
    nonce = secrets.randbits(32)
    test = link.selftest(nonce, SELFTEST)
    if test.crc32 != nonce_crc(image.bytes, nonce):
        raise AttestationFailed("the flashed bytes are not the image's")
    if test.golden < 1 or test.golden != hello.golden or test.passed != test.golden:
        raise AttestationFailed(
            f"{test.passed} of {test.golden} golden windows gave the expected logits"
        )
    return Sight(hello, link.decision(ASK, attempts=2))
