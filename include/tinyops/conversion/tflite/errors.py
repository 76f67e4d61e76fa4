"""What can go wrong between a .tflite and a proven image."""

from __future__ import annotations

from tinyops.errors import TinyOpsError


class ConversionError(TinyOpsError):
    """A model cannot be rewritten, compiled, linked or measured."""


class CompilerMissing(ConversionError):
    """A compiler is not installed: says nothing about the model."""


class DoesNotFit(ConversionError):
    """The model needs more of a board than the board has."""


class ProofFailed(ConversionError):
    """The image does not compute what the reference computes."""
