"""Where buffers lie: never over one that still lives, and in less memory than by order."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from tests.support.chip import MODELS
from tests.support.shared_data import shared
from tinyops.conversion.images.arena import pack
from tinyops.conversion.images.lowering import lower
from tinyops.conversion.tflite.canonical import canonical


def plan_of(tflite: bytes) -> Any:
    return lower(canonical(tflite), "model")


def buffers(plan: Any) -> list[tuple[int, int, int, int]]:
    """Offset, end, birth, death of each."""
    found = []
    for root, life in plan.lifetimes.items():
        size = max(plan.tensors[name].tensor_type.nbytes for name in plan.alias_groups[root])
        offset = plan.tensors[root].offset
        found.append((offset, offset + size, life.birth, life.death))
    return found


@pytest.mark.parametrize("name", ["tiny", "image"])
def test_buffers_that_live_at_once_do_not_overlap(name: str) -> None:
    plan = plan_of((MODELS / f"{name}.tflite").read_bytes())
    found = buffers(plan)
    assert len(found) > 1
    for (start, end, birth, death), (other, last, born, dead) in combinations(found, 2):
        assert end <= other or last <= start or death <= born or dead <= birth
    assert max(end for _, end, _, _ in found) <= plan.activation_arena_size


def test_packing_again_changes_nothing() -> None:
    plan = plan_of((MODELS / "image.tflite").read_bytes())
    assert pack(plan) is plan


def test_the_largest_model_takes_no_more_than_its_two_largest_layers() -> None:
    path = shared("data/tflite_models/mlperf_tiny/vww_96_int8.tflite")
    plan = plan_of(path.read_bytes())
    # 48x48x8 into 48x48x16; bakenn's own plan has 73,728.
    assert plan.activation_arena_size == 48 * 48 * (8 + 16)
