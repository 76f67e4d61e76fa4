"""The stream of training windows: all of them once an epoch, the same at every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks import int8_cases as cases
from tinyops.training import fit
from tinyops.training.augment import augmenter
from tinyops.training.stream import batches, rows_at_once, varied_blocks

pytestmark = pytest.mark.slow

RECIPE = replace(cases.RECIPE, batch_size=16, epochs=2, noise=0.5)
TRAIN = cases.windows(100, seed=1)


def test_one_block_is_what_varying_all_at_once_gives() -> None:
    rng, other = np.random.default_rng(3), np.random.default_rng(3)
    [(rows, varied)] = varied_blocks(TRAIN, cases.FRONTEND, RECIPE, rng)
    order = other.permutation(100)
    assert np.array_equal(rows, order)
    whole = TRAIN.inputs(cases.FRONTEND)
    healthy = whole[TRAIN.labels == 0]
    vary = augmenter(cases.FRONTEND.spec, RECIPE, healthy)
    assert np.array_equal(varied, vary(whole[order], other))


def collect(seed: int) -> list[tuple[Any, ...]]:
    weights = np.array([1, 2, 3, 4], np.float32)
    stream = batches(TRAIN, cases.FRONTEND, RECIPE, weights, np.random.default_rng(seed))
    return [tuple(each.numpy() for each in batch) for batch in stream]


@pytest.mark.parametrize("block", [64 << 20, 40 * 4 * cases.WINDOW])
def test_batches_hold_every_window_once_an_epoch(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyops.training.stream.BLOCK_BYTES", block)
    assert rows_at_once(cases.FRONTEND.output_shape, 16) == (32 if block < 1 << 20 else 524_288)
    first, again, other = collect(1), collect(1), collect(2)
    assert [len(labels) for _, labels, _ in first] == [16, 16, 16, 16, 16, 16, 4] * 2
    for mine, twin in zip(first, again, strict=True):
        for a, b in zip(mine, twin, strict=True):
            assert np.array_equal(a, b)
    assert not np.array_equal(first[0][0], other[0][0])
    assert not np.array_equal(first[0][0], first[7][0]), "another order in the next epoch"
    quiet = replace(RECIPE, noise=0.0, epochs=1)
    stream = batches(TRAIN, cases.FRONTEND, quiet, np.ones(4, np.float32), np.random.default_rng(1))
    seen = np.concatenate([features.numpy() for features, _, _ in stream]).reshape(100, -1)
    whole = TRAIN.inputs(cases.FRONTEND).reshape(100, -1)
    assert np.array_equal(np.sort(seen, axis=0), np.sort(whole, axis=0))
    for _, labels, weights in first:
        assert np.array_equal(weights, labels + 1.0)


def test_training_reads_the_stream_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    def watched(*given: Any) -> Iterator[Any]:
        yield from batches(*given)
        ended.append(True)

    monkeypatch.setattr(fit, "batches", watched)
    fit.fit(TRAIN, None, cases.FRONTEND, 4, RECIPE, lambda line: None)
    assert ended == [True]
