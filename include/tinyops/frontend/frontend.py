"""A frontend: its spec, its C sources for the board and its host build for training."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.frontend.generate import CORE, write_sources
from tinyops.frontend.host import HostFrontend, build
from tinyops.frontend.kinds import content, spec_from_project
from tinyops.frontend.spec import FrontendSpec


class Frontend:
    """Windows of counts to the model's int8 input, by the same C code as on the board."""

    def __init__(self, spec: FrontendSpec) -> None:
        self.spec = spec

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one feature map."""
        return self.spec.output_shape

    @property
    def input_scale(self) -> float:
        """Scale of the int8 output."""
        return self.spec.input_scale

    @property
    def input_zero_point(self) -> int:
        """Zero point of the int8 output."""
        return self.spec.input_zero_point

    @property
    def include_dirs(self) -> list[Path]:
        """Folders with the core's headers; add the folder given to `generate`."""
        return [CORE]

    def generate(self, out_dir: Path) -> list[Path]:
        """Write configuration and tables; return all C sources to compile."""
        defines, tables = content(self.spec)
        return write_sources(self.spec, defines, tables, out_dir)

    def run(self, windows: NDArray[np.int16]) -> NDArray[np.int8]:
        """Features int8 [n, *output_shape] of windows int16 [n, W, C].

        Raises
        ------
        FrontendError
            Wrong dtype or shape, or no C compiler for the host build.
        """
        return self.host.run(windows)

    @cached_property
    def host(self) -> HostFrontend:
        """The host build, compiled at first use and cached by content."""
        return self.host_build("-O2")

    def host_build(self, optimise: str) -> HostFrontend:
        """A host build at another optimisation level (they must all agree)."""
        with tempfile.TemporaryDirectory() as scratch:
            sources = self.generate(Path(scratch))
            library = build(sources, [*self.include_dirs, Path(scratch)], optimise)
        return HostFrontend(library, self.spec)


def from_project(section: Any, signal: Any) -> Frontend:
    """The frontend that the sections `frontend` and `signal` of a project describe.

    Raises
    ------
    FrontendError
        The window does not suit the kind; names the key.
    """
    return Frontend(spec_from_project(section, signal))
