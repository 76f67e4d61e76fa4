"""Counting a model layer by layer, and searching for the fastest way to compile it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.chip import MODELS, tiny_image
from tests.support.shared_data import shared
from tinyops.boards.catalogue import load_board
from tinyops.conversion.candidates.prove import prove
from tinyops.conversion.images.aot import AotModel, Step, compile_model
from tinyops.conversion.images.bare import build_bare, inputs_for, profile_bare, search_bare
from tinyops.conversion.images.profile import Profile
from tinyops.conversion.images.tune import Search
from tinyops.conversion.images.tuning import DEFAULT, Tuning
from tinyops.conversion.images.unit import write_unit
from tinyops.conversion.tflite.canonical import canonical
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.reference import Reference
from tinyops.emulation.machine import INSTRUCTIONS_PER_TICK

pytestmark = pytest.mark.slow

BOARD = load_board("nano33ble-sense")
IMAGE = (MODELS / "image.tflite").read_bytes()
TINY = (MODELS / "tiny.tflite").read_bytes()


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    return search_bare(IMAGE, BOARD, tmp_path_factory.mktemp("search"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> AotModel:
    return compile_model(canonical(TINY), tmp_path_factory.mktemp("model") / "c")


def test_every_layer_is_counted_and_counts_repeat(search: Search, tmp_path: Path) -> None:
    again = profile_bare(IMAGE, BOARD, tmp_path)
    first = next(each for each in search.tried if each.tuning == DEFAULT)
    assert again == first
    kinds = [step.kernel.split(".")[1] for step in again.steps]
    assert kinds == ["conv2d_s8", "depthwise_conv2d_s8", "average_pool2d_s8", "linear_s8"]
    # At least an instruction for two products; 768 and 12 values are read.
    products = (6 * 8 * 8 * 3 * 3 * 3, 3 * 4 * 8 * 9)
    for counted, least in zip(again.instructions, products, strict=False):
        assert counted > least / 2


def test_the_best_of_all_that_was_tried_is_taken(search: Search) -> None:
    totals = {each.tuning: each.total for each in search.tried}
    assert len(totals) == len(search.tried) >= 4
    assert search.best.total == min(totals.values()) < totals[Tuning("-O2")]
    assert len({each.output_hash for each in search.tried}) == 1
    assert search.to_dict()["best"]["instructions"] == search.best.total


def test_a_tuned_image_counts_as_searched_and_computes_the_same(
    search: Search, tmp_path: Path
) -> None:
    built = build_bare(IMAGE, BOARD, "image", tmp_path, search.best.tuning)
    assert built.to_dict()["tuning"] == search.best.tuning.to_dict()
    inputs = inputs_for(Reference(built.canonical).input_shape[1:], 4, seed=0)
    proof = prove(built.image, built.canonical, inputs)
    # The counter is read once instead of after each step; clamps may branch.
    slack = (len(search.best.steps) + 2) * INSTRUCTIONS_PER_TICK + search.best.total // 50
    assert proof.instructions_per_inference == pytest.approx(search.best.total, abs=slack)


def test_what_is_compiled_is_recorded() -> None:
    assert tiny_image().to_dict()["tuning"] == {"level": "-O3", "specialised": []}


def test_padding_on_one_side_goes_to_the_vendors_kernels(model: AotModel) -> None:
    convolutions = [step.kernel for step in model.steps if "conv" in step.kernel]
    assert len(convolutions) == 3
    assert all(kernel.startswith("cmsis_nn.") for kernel in convolutions)


def test_only_the_chosen_steps_get_code_of_their_own(model: AotModel, tmp_path: Path) -> None:
    text = write_unit(model, tmp_path, (1,)).read_text()
    assert text.count("STEP_DONE();") == len(model.steps)
    owners = [line.split("step_")[1][0] for line in text.splitlines() if "flatten" in line]
    assert owners == ["1"]


def test_c_of_another_form_is_refused(model: AotModel, tmp_path: Path) -> None:
    more = replace(model, steps=(*model.steps, Step("extra", "portable.add_s8.v1")))
    with pytest.raises(ConversionError, match="C has 5 steps, its report 6"):
        write_unit(more, tmp_path)
    source = tmp_path / "other.c"
    source.write_text("int main(void) { return 0; }\n")
    with pytest.raises(ConversionError, match="no entry of the known form"):
        write_unit(replace(model, sources=(source, *model.sources[1:])), tmp_path)


def test_a_board_without_an_emulator_has_nothing_to_count(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="nothing can be counted for esp-eye"):
        profile_bare(TINY, load_board("esp-eye"), tmp_path)


@pytest.mark.usefixtures("images_built_once")
@pytest.mark.parametrize(("name", "most"), [("ad01_int8", 580_000), ("kws_ref_model", 7_800_000)])
def test_mlperf_tiny_models_reach_their_counts_with_tflms_bytes(
    name: str, most: int, tmp_path: Path
) -> None:
    tflite = shared(f"data/tflite_models/mlperf_tiny/{name}.tflite").read_bytes()
    built = build_bare(tflite, BOARD, "model", tmp_path)
    inputs = inputs_for(Reference(built.canonical).input_shape[1:], 2, seed=3)
    proof = prove(built.image, built.canonical, inputs)
    assert proof.mismatches == 0
    assert proof.instructions_per_inference is not None
    assert proof.instructions_per_inference <= most


def test_a_profile_is_json(search: Search) -> None:
    content = search.best.to_dict()
    assert sum(step["instructions"] for step in content["steps"]) == content["instructions"]
    assert isinstance(search.best, Profile)
