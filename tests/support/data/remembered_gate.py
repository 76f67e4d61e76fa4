"""The gate's result, computed once for each input, where a test repeats ingest of one batch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pytest

from tinyops.data.datasets.index import IndexRow
from tinyops.data.ingest import ingest
from tinyops.data.quality.gate import check_measured
from tinyops.data.quality.result import GateResult
from tinyops.projects import Project
from tinyops.store import sha256_hex


class RememberedGate:
    """`check_measured` as ingest calls it, with what it found before for the very same input.

    The gate is a function of its arguments: it reads no store and writes none. All the rest of an
    ingest is executed every time. The age of recordings, which grows from run to run, makes no
    other input.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self._results: dict[str, GateResult] = {}
        patch.setattr(ingest, "check_measured", self._check)

    @property
    def computed(self) -> int:
        """How many different inputs it was asked about."""
        return len(self._results)

    def _check(
        self,
        measured: Iterable[Mapping[str, Any]],
        project: Project,
        known: Sequence[IndexRow] = (),
        name: str = "check",
    ) -> GateResult:
        rows = [dict(row) for row in measured]
        ageless = [{key: value for key, value in row.items() if key != "age_days"} for row in rows]
        asked = [ageless, project.model_dump(mode="json"), [asdict(row) for row in known], name]
        key = sha256_hex(json.dumps(asked, sort_keys=True).encode())
        self.asked += 1
        if key not in self._results:
            self._results[key] = check_measured(rows, project, known, name)
        return self._results[key]
