"""Fetch one file by HTTP: resumed where it was cut off, whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinyops.errors import TinyOpsError

ATTEMPTS = 5
_PAUSE_SECONDS = 1.0
_TIMEOUT_SECONDS = 60.0
_PIECE = 1 << 16
_LARGEST = 16 << 30
_AGAIN = "try again: it goes on where it stopped"


class DownloadError(TinyOpsError):
    """A file cannot be fetched, or is not what it should be."""


class _CutOff(Exception):
    """The connection ended before the file did; worth another try."""


def fetch(
    url: str,
    path: Path,
    size: int | None = None,
    *,
    progress: Callable[[int, int | None], object] = lambda done, total: None,
    pause: float = _PAUSE_SECONDS,
) -> None:
    """Fetch a URL into `path`, which appears when all of it is there.

    What has arrived is kept in `<path>.part` beside what the server calls this version of the file
    (ETag or Last-Modified): the next try asks for the rest, and for all of it once that changed.

    Parameters
    ----------
    size
        Bytes that the file must have, where it is known.
    progress
        Called with the bytes that are there, and of how many.
    pause
        Seconds before the second try; twice as long before each further one.

    Raises
    ------
    DownloadError
        The server refuses, the connection ends again and again, the disk is full, or there are more
        or fewer bytes than there should be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    for attempt in range(ATTEMPTS):
        try:
            _attempt(url, part, size, progress)
        except _CutOff as error:
            if attempt == ATTEMPTS - 1:
                raise DownloadError(f"{url}: {error}, {ATTEMPTS} times", _AGAIN) from None
            time.sleep(pause * 2**attempt)
        except OSError as error:
            raise _of_the_disk(path, error) from None
        else:
            break
    part.replace(path)
    _version_file(part).unlink(missing_ok=True)


def _attempt(
    url: str, part: Path, size: int | None, progress: Callable[[int, int | None], object]
) -> None:
    have, version = _there(part)
    if size is not None and have == size:
        return
    headers = {"User-Agent": "tinyops", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    try:
        answer = _opener().open(
            urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_SECONDS
        )
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                _forget(part)
                raise _CutOff("has no such range") from None
            raise _refused(url, error) from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        raise _CutOff(f"no answer: {getattr(error, 'reason', error)}") from None
    with answer:
        if have and answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0  # another version by now, or a server that knows no ranges
        total = _total(answer, have)
        if size is not None and total is not None and total != size:
            raise DownloadError(
                f"{url}: has {total:,} bytes, not {size:,}",
                "it is another file by now: look at the data set's page",
            )
        _require_space(part, (total or size or 0) - have)
        _remember(part, answer)
        _receive(url, answer, part, have, total if total is not None else size, progress)


def _receive(
    url: str,
    answer: Any,
    part: Path,
    have: int,
    total: int | None,
    progress: Callable[[int, int | None], object],
) -> None:
    with part.open("ab" if have else "wb") as file:
        while True:
            try:
                piece = answer.read(_PIECE)
            except (http.client.HTTPException, OSError) as error:
                raise _CutOff(f"the connection ended: {error or type(error).__name__}") from None
            if not piece:
                break
            have += len(piece)
            if have > (total if total is not None else _LARGEST):
                raise DownloadError(
                    f"{url}: sends more than {total or _LARGEST:,} bytes", "do not use this host"
                )
            file.write(piece)
            progress(have, total)
    if total is not None and have < total:
        raise _CutOff(f"the connection ended after {have:,} of {total:,} bytes")


def _opener() -> urllib.request.OpenerDirector:
    # Only what HTTP needs: no file:, no ftp:, wherever a server redirects to.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _total(answer: Any, have: int) -> int | None:
    """Bytes that the whole file has, as the server says."""
    if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
        begin, _, whole = (
            answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        )
        if begin.partition("-")[0] != str(have):
            raise _CutOff("sends another range than was asked for")
        return int(whole) if whole.isdecimal() else None
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _there(part: Path) -> tuple[int, str]:
    """Bytes of an earlier try that can be gone on with, and the version that they are of."""
    try:
        version = str(json.loads(_version_file(part).read_text())["version"])
        return part.stat().st_size, version
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""


def _remember(part: Path, answer: Any) -> None:
    # A weak ETag may stay the same while bytes change, so it is no ground to go on from.
    etag = answer.headers.get("ETag", "")
    version = etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")
    if version:
        _version_file(part).write_text(json.dumps({"version": version}))
    else:
        _version_file(part).unlink(missing_ok=True)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _version_file(part).unlink(missing_ok=True)


def _version_file(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _require_space(part: Path, bytes_needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if bytes_needed > free:
        raise OSError(errno.ENOSPC, f"{bytes_needed:,} bytes are needed, {free:,} are free")


def _refused(url: str, error: urllib.error.HTTPError) -> Exception:
    if error.code >= 500 or error.code == http.HTTPStatus.TOO_MANY_REQUESTS:
        return _CutOff(f"the server answers {error.code} {error.reason}")
    return DownloadError(
        f"{url}: the server answers {error.code} {error.reason}",
        "look on the data set's page for where it is now",
    )


def _of_the_disk(path: Path, error: OSError) -> DownloadError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        free = ""
        with contextlib.suppress(OSError):
            free = f", {shutil.disk_usage(path.parent).free:,} bytes are free"
        return DownloadError(f"{path}: the disk is full{free}", f"make room and {_AGAIN}")
    return DownloadError(f"{path}: cannot be written: {error}", f"correct that and {_AGAIN}")
