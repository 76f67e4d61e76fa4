"""The receiving end of XMODEM: which blocks it takes, and what it answers to the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.boards.himax_boards import block
from tinyops.boards.virtual.xmodem_receiver import (
    ACK,
    BLOCK,
    CAN,
    EOT,
    NAK,
    SOH,
    START,
    TRIES,
    XmodemReceiver,
)


class Transfer:
    """A receiver and what it did."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.content = b""
        self.sizes: list[int | None] = []
        self.receiver = XmodemReceiver(self.sent.append, self._store, self.sizes.append)

    def _store(self, offset: int, data: bytes) -> bool:
        assert offset == len(self.content)
        self.content += data
        return True

    def feed(self, *pieces: bytes) -> list[bytes]:
        """What it answers."""
        self.sent.clear()
        for piece in pieces:
            self.receiver.feed(piece)
        return list(self.sent)

    def wait(self) -> list[bytes]:
        """What it says after the wait that it is in."""
        self.sent.clear()
        self.receiver.tick(self.receiver.next_due())
        return list(self.sent)


def test_blocks_are_taken_once_and_in_order() -> None:
    transfer = Transfer()
    a, b = b"a" * BLOCK, b"b" * BLOCK
    assert transfer.sent == [START]
    assert transfer.wait() == [START]
    assert transfer.feed(b"\r\n", block(1, a)[:70], block(1, a)[70:]) == [ACK]
    assert transfer.feed(block(1, a)) == [ACK]
    assert transfer.feed(block(2, b)) == [ACK]
    assert transfer.feed(EOT) == [ACK]
    assert transfer.content == a + b
    assert transfer.sizes == [2 * BLOCK]


@pytest.mark.parametrize(
    "damaged",
    [block(2)[:-1] + b"!", b"\0" + block(2)[1:], SOH + b"\2\2" + block(2)[3:], block(2)[:-1]],
    ids=["crc", "header", "complement", "short"],
)
def test_a_damaged_block_is_asked_for_again_when_the_line_is_quiet(damaged: bytes) -> None:
    transfer = Transfer()
    assert transfer.feed(block(1), damaged) == [ACK]
    assert transfer.wait() == [NAK]
    assert transfer.feed(block(2)) == [ACK]
    assert transfer.sizes == []


def test_two_cans_end_it_and_one_does_not() -> None:
    transfer = Transfer()
    transfer.feed(block(1), CAN)
    assert transfer.wait() == [NAK]
    assert transfer.feed(CAN + CAN) == []
    assert transfer.sizes == [None]


def test_a_block_out_of_order_or_a_sender_gone_is_cancelled() -> None:
    lost = Transfer()
    assert lost.feed(block(1), block(3)) == [ACK, CAN + CAN]
    assert lost.sizes == [None]
    gone = Transfer()
    gone.feed(block(1))
    assert [gone.wait() for _ in range(TRIES + 1)] == [[NAK]] * TRIES + [[CAN + CAN]]
    assert gone.sizes == [None]


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=6), st.integers(1, 400))
def test_a_file_comes_whole_in_pieces_of_any_size(chunks: list[bytes], size: int) -> None:
    blocks = [chunk.ljust(BLOCK, b"\x1a")[:BLOCK] for chunk in chunks]
    wire = b"".join(block(number, data) for number, data in enumerate(blocks, 1)) + EOT
    transfer = Transfer()
    transfer.feed(*(wire[at : at + size] for at in range(0, len(wire), size)))
    assert transfer.content == b"".join(blocks)
    assert transfer.sizes == [BLOCK * len(blocks)]
