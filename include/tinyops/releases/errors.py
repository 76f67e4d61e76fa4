"""What can go wrong between a release and a board."""

from __future__ import annotations

from tinyops.errors import TinyOpsError


class ReleaseError(TinyOpsError):
    """A release cannot be published or read."""


class SigningKeyError(ReleaseError):
    """A signing key is missing, wrong or may not be used here."""


class SealBroken(ReleaseError):
    """Evidence was not written by this pipeline, or was changed since: nothing rests on it."""


class ReleaseRefused(ReleaseError):
    """Metadata or a target did not verify: nothing of it may be used."""


class ReleaseUnavailable(ReleaseError):
    """The repository cannot be read now: worth another try later."""


class ReleaseAbsent(ReleaseUnavailable):
    """The repository can be read and has no such file: nothing was released yet."""


class ReleaseBusy(ReleaseUnavailable):
    """Another thread reads from the repository for longer than a poll may take."""


class ClockWrong(ReleaseUnavailable):
    """Metadata or signatures are refused because this machine's clock is off."""
