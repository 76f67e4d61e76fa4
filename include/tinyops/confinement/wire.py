"""Values over a socket between this process and a confined child.

JSON and plain arrays, not pickle: what comes from a child that its input has taken over is data
here and never code.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from typing import Any

import numpy as np

_HEAD = struct.Struct("<II")
_PIECE = 1 << 20
_KINDS = "biuf"


class WireError(Exception):
    """What arrived is no message, or larger than was allowed."""


def send(channel: socket.socket, value: Any) -> None:
    """Write a tree of None, bool, int, float, str, bytes, arrays, lists, tuples and dicts."""
    blobs: list[bytes | memoryview] = []
    tree = json.dumps(_packed(value, blobs)).encode()
    lengths = json.dumps([len(blob) for blob in blobs]).encode()
    channel.sendall(_HEAD.pack(len(tree), len(lengths)) + tree + lengths)
    for blob in blobs:
        channel.sendall(blob)


def receive(channel: socket.socket, limit: int, deadline: float | None = None) -> Any:
    """Read a value; tuples arrive as lists.

    Parameters
    ----------
    limit
        Bytes that the message may have.
    deadline
        By `time.monotonic()`.

    Raises
    ------
    EOFError
        The other end has closed.
    TimeoutError
        The deadline has passed.
    WireError
        No message, or above the limit.
    """
    tree_bytes, list_bytes = _HEAD.unpack(_exactly(channel, _HEAD.size, deadline))
    if tree_bytes + list_bytes > limit:
        raise WireError(f"a message of {tree_bytes + list_bytes:,} bytes")
    try:
        tree = json.loads(_exactly(channel, tree_bytes, deadline))
        lengths = [int(length) for length in json.loads(_exactly(channel, list_bytes, deadline))]
        if any(length < 0 for length in lengths) or sum(lengths) > limit:
            raise WireError(f"a message of {sum(lengths):,} bytes")
        return _unpacked(tree, [_exactly(channel, length, deadline) for length in lengths])
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise WireError(f"no message: {error}") from None


def _packed(value: Any, blobs: list[bytes | memoryview]) -> Any:
    if isinstance(value, bytes):
        blobs.append(value)
        return {"bytes": len(blobs) - 1}
    if isinstance(value, np.ndarray):
        plain = np.ascontiguousarray(value)
        blobs.append(plain.tobytes())
        return {"array": len(blobs) - 1, "dtype": plain.dtype.str, "shape": list(value.shape)}
    if isinstance(value, dict):
        return {"dict": {str(key): _packed(each, blobs) for key, each in value.items()}}
    if isinstance(value, list | tuple):
        return [_packed(each, blobs) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _unpacked(tree: Any, blobs: list[bytes]) -> Any:
    if isinstance(tree, list):
        return [_unpacked(each, blobs) for each in tree]
    if not isinstance(tree, dict):
        return tree
    if "bytes" in tree:
        return blobs[tree["bytes"]]
    if "dict" in tree:
        return {key: _unpacked(each, blobs) for key, each in tree["dict"].items()}
    dtype, shape, blob = np.dtype(tree["dtype"]), tree["shape"], blobs[tree["array"]]
    if dtype.kind not in _KINDS or math.prod(shape) * dtype.itemsize != len(blob):
        raise WireError(f"no array: {dtype} {shape}")
    return np.frombuffer(blob, dtype).reshape(shape).copy()


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    pieces, missing = [], size
    while missing:
        if deadline is None:
            channel.settimeout(None)
        else:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            channel.settimeout(left)
        piece = channel.recv(min(missing, _PIECE))
        if not piece:
            raise EOFError
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
