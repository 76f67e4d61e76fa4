"""The gateway's end of the link: ask a device, get a parsed answer or a clear error."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections import deque
from typing import Protocol

from tinyops.boards import messages
from tinyops.boards.frames import MAX_BODY, Decoder, Frame, crc16, encode
from tinyops.boards.messages import Decision, Fault, Hello, Inference, SelfTest
from tinyops.errors import TinyOpsError

__all__ = [
    "Decision",
    "Decoder",
    "DeviceFault",
    "Fault",
    "Frame",
    "Hello",
    "Inference",
    "Link",
    "LinkClosed",
    "LinkError",
    "LinkRefused",
    "LinkTimeout",
    "SelfTest",
    "SocketStream",
    "Stream",
    "crc16",
    "encode",
]
_CHUNK = MAX_BODY - 4
_OFFSET = struct.Struct("<I")


class LinkError(TinyOpsError):
    """The device cannot be asked, or answers wrongly."""


class LinkTimeout(LinkError):
    """No answer in time."""


class LinkClosed(LinkError):
    """The other end of the line is gone."""


class LinkRefused(LinkError):
    """The device answered with an error; `code` as in link.h."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, "check that image and host are of the same release")
        self.code = code


class DeviceFault(LinkError):
    """The device faulted while it was asked; it resets itself."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"the device reports {fault}", "flash an image that has passed its proof")
        self.fault = fault


class Stream(Protocol):
    """A line of bytes: a socket, a serial port, a pty."""

    def send(self, data: bytes) -> None:
        """Send all of it; LinkClosed when the other end is gone."""

    def receive(self, timeout: float) -> bytes:
        """What has arrived; b"" after `timeout` seconds; LinkClosed when the other end is gone."""


class SocketStream:
    """A stream over a connected socket (an emulated UART)."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def send(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise LinkClosed(f"the line is closed: {error}", "start the board again") from None

    def receive(self, timeout: float) -> bytes:
        """What has arrived, b"" after `timeout` seconds."""
        try:
            if not select.select([self._socket], [], [], max(timeout, 0.0))[0]:
                return b""
            data = self._socket.recv(65536)
        except (OSError, ValueError) as error:
            raise LinkClosed(f"the line is closed: {error}", "start the board again") from None
        if not data:
            raise LinkClosed("the line is closed", "start the board again")
        return data


class Link:
    """Requests and replies over a stream. One user at a time.

    Frames that nobody asked for (a boot HELLO, a FAULT) wait in `unasked`.
    """

    def __init__(self, stream: Stream) -> None:
        self.unasked: deque[Frame] = deque(maxlen=64)
        self._stream = stream
        self._decoder = Decoder()
        self._ready: deque[Frame] = deque()
        self._sequence = 0

    @property
    def bad_frames(self) -> int:
        """Unreadable frames received so far."""
        return self._decoder.bad

    def request(
        self, request: int, body: bytes = b"", timeout: float = 2.0, attempts: int = 1
    ) -> bytes:
        """The body of the reply.

        Parameters
        ----------
        timeout
            Seconds to wait for the answer, each time it is asked.
        attempts
            How often to ask; all requests may be repeated without harm.

        Raises
        ------
        LinkTimeout, LinkRefused, LinkClosed, DeviceFault
        """
        for _ in range(attempts):
            # Sequence 0 belongs to what a device says unasked.
            self._sequence = self._sequence % 255 + 1
            # The leading delimiter ends whatever noise the device has taken for a frame.
            self._stream.send(b"\0" + encode(Frame(request, self._sequence, body)))
            reply = self._await_reply(request, time.monotonic() + timeout)
            if reply is not None:
                return reply
        raise LinkTimeout(
            f"no answer to request {request:#04x} in {timeout:g} s, asked {attempts} times",
            "check that the board runs and that the port is the right one",
        )

    def hello(self, timeout: float = 2.0, attempts: int = 1) -> Hello:
        """Who the device is and how it does."""
        return Hello.parse(self.request(messages.HELLO, b"", timeout, attempts))

    def boot_hello(self, timeout: float) -> Hello:
        """Wait for the HELLO that a device sends when it boots; frames before it are dropped."""
        deadline = time.monotonic() + timeout
        while True:
            while self.unasked:
                frame = self.unasked.popleft()
                if frame.type == messages.HELLO | messages.REPLY:
                    return Hello.parse(frame.body)
                if frame.type == messages.FAULT:
                    raise DeviceFault(Fault.parse(frame.body))
            frame_or_none = self._next(deadline)
            if frame_or_none is None:
                raise LinkTimeout(f"no boot HELLO in {timeout:g} s", "check the image and the port")
            if frame_or_none.sequence == 0:
                self.unasked.append(frame_or_none)

    def selftest(self, nonce: int, timeout: float = 60.0) -> SelfTest:
        """Run the golden windows and hash the flash, seeded with `nonce` (32 bits)."""
        body = self._request_outputs(messages.SELFTEST, struct.pack("<I", nonce), timeout)
        return SelfTest.parse(body)

    def send_input(self, data: bytes, timeout: float = 2.0) -> None:
        """Fill the device's input buffer from its start, in as many frames as it takes."""
        for offset in range(0, len(data), _CHUNK):
            chunk = data[offset : offset + _CHUNK]
            self.request(messages.DATA, _OFFSET.pack(offset) + chunk, timeout)

    def infer(
        self, *, window: bool = False, reset: bool = True, timeout: float = 60.0
    ) -> Inference:
        """Run the model on the input buffer.

        Parameters
        ----------
        window
            The buffer holds a raw int16 window, not int8 features.
        reset
            The model first forgets what earlier inputs have left in its state.
        """
        options = messages.INFER_WINDOW * window | messages.INFER_RESET * reset
        body = self._request_outputs(messages.INFER, bytes((options,)), timeout)
        return Inference.parse(body)

    def decision(self, timeout: float = 2.0, attempts: int = 1) -> Decision:
        """What the device has decided since boot."""
        return Decision.parse(self.request(messages.DECISION, b"", timeout, attempts))

    def frame(
        self,
        acknowledged: int | None = None,
        partial: bool = False,
        timeout: float = 2.0,
        attempts: int = 1,
    ) -> bytes | None:
        """The oldest frame of counts that the device holds, 48 bytes, or None.

        Parameters
        ----------
        acknowledged
            First drop the frames up to the one whose `window` is this; an unknown one drops none.
        partial
            The frame that is being filled instead; it stays.
        """
        body = messages.frame_request(acknowledged, partial)
        return messages.parse_frame(self.request(messages.FRAME, body, timeout, attempts))

    def _request_outputs(self, request: int, body: bytes, timeout: float) -> bytes:
        """The reply with the outputs that did not fit into its frame behind it."""
        reply = self.request(request, body, timeout)
        have, announced = messages.announced_outputs(reply, request)
        while have < announced:
            piece = self.request(messages.OUTPUT, _OFFSET.pack(have), timeout)
            if not piece:
                raise LinkError(
                    f"the device sends {have} of {announced} outputs",
                    "use the release of TinyOps that built the device's image",
                )
            reply, have = reply + piece, have + len(piece)
        return reply

    def _await_reply(self, request: int, deadline: float) -> bytes | None:
        while (frame := self._next(deadline)) is not None:
            if frame.type == messages.FAULT:
                raise DeviceFault(Fault.parse(frame.body))
            if frame.sequence != self._sequence:
                if frame.sequence == 0:
                    self.unasked.append(frame)
                continue
            if frame.type == request | messages.REPLY:
                return frame.body
            if frame.type == messages.ERROR and len(frame.body) == 2:
                code = frame.body[1]
                text = messages.ERROR_TEXTS.get(code, f"code {code}")
                raise LinkRefused(f"the device refuses request {request:#04x}: {text}", code)
        return None

    def _next(self, deadline: float) -> Frame | None:
        while not self._ready:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._ready.extend(self._decoder.feed(self._stream.receive(left)))
        return self._ready.popleft()
