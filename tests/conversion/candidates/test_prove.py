"""Proofs: the very image on the emulated chip against the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.chip import HOP, MODELS, WINDOW, booted, request, sketch, tiny_image, windows
from tests.support.image_cache import build_once
from tests.support.shared_data import shared
from tinyops.boards.catalogue import load_board
from tinyops.boards.link import Link, LinkTimeout, SocketStream
from tinyops.conversion.candidates.prove import prove, sequences
from tinyops.conversion.candidates.sensing import Sensed, golden_samples, sense
from tinyops.conversion.candidates.sketching import decide
from tinyops.conversion.images.bare import build_bare, inputs_for
from tinyops.conversion.images.image import build_image
from tinyops.conversion.tflite.errors import ConversionError, ProofFailed
from tinyops.conversion.tflite.reference import Reference
from tinyops.emulation import HostChip
from tinyops.frontend import cut_windows
from tinyops.sketches.frames import FIRST, SketchFrame
from tinyops.sketches.sketch import count, frame_of

pytestmark = pytest.mark.slow

INPUTS = inputs_for((32, 1, 1), 12, seed=1)


def test_a_right_image_is_proven_and_counted() -> None:
    built = tiny_image()
    seen: list[int] = []
    proof = prove(built.image, built.canonical, INPUTS, progress=seen.append)
    assert (proof.samples, proof.mismatches, proof.golden) == (12, 0, 4)
    assert proof.flash_bytes == len(built.image.bytes)
    assert proof.ram_bytes == built.sizes.ram_bytes
    assert 0 < proof.stack_bytes < built.sizes.stack
    assert seen == list(range(1, 13))
    # Every multiplication of the first layer takes an instruction, and nothing takes a million.
    assert 16 * 8 * 4 < proof.instructions_per_inference < 1_000_000
    assert prove(built.image, built.canonical, INPUTS) == proof


def sensed(frame_windows: int = 16) -> Sensed:
    spec, built = sketch(), tiny_image()
    samples, number = golden_samples(windows(8, seed=2), HOP, spec.every, frame_windows)
    inputs = request().frontend.run(cut_windows(samples, WINDOW, HOP)[:: spec.every])
    logits, confidences = decide(Reference(built.canonical), inputs, 1.0)
    counts = count(spec, inputs, logits.argmax(axis=1), confidences)
    header = built.image.header
    frame = frame_of(counts, header.model_sha256, header.reference_tag, 0, FIRST)
    assert (number - 1) % spec.every == 0
    return Sensed(samples, number, frame.pack())


def test_what_is_sensed_is_counted_as_in_python() -> None:
    built = tiny_image()
    proof = prove(built.image, built.canonical, INPUTS, sensed=sensed())
    assert SketchFrame.unpack(sensed().frame).n == 15, "29 windows, every second one"
    assert proof.instructions_per_window is not None
    assert proof.instructions_per_count is not None
    assert 32 * 3 < proof.instructions_per_count < 20_000
    assert proof.instructions_per_inference < proof.instructions_per_window
    short = prove(built.image, built.canonical, INPUTS, sensed=sensed(frame_windows=5))
    assert short.instructions_per_window == pytest.approx(proof.instructions_per_window, rel=0.1)


@pytest.mark.parametrize(
    ("model", "board"),
    [
        ("many_outputs", "nano33ble-sense"),
        ("many_outputs", "esp-eye"),
        ("large_input", "esp-eye"),
        ("lstm", "esp-eye"),
        ("lstm", "himax-we1-plus"),
    ],
)
def test_what_takes_several_frames_or_keeps_a_state_is_proven(
    model: str, board: str, tmp_path: Path
) -> None:
    built = build_bare(
        (MODELS / f"{model}.tflite").read_bytes(), load_board(board), model, tmp_path
    )
    reference = Reference(built.canonical)
    inputs = inputs_for(reference.input_shape[1:], 6, seed=4)
    proof = prove(built.image, built.canonical, inputs)
    assert (proof.samples, proof.mismatches) == (6, 0)
    assert proof.golden >= 3


def test_the_state_of_a_model_goes_on_within_a_sequence_alone(tmp_path: Path) -> None:
    built = build_bare(
        (MODELS / "lstm.tflite").read_bytes(), load_board("esp-eye"), "lstm", tmp_path
    )
    reference = Reference(built.canonical)
    inputs = inputs_for(reference.input_shape[1:], 4, seed=4)
    alone, together = reference.run(inputs), reference.run(inputs, sequence=4)
    assert np.array_equal(alone[0], together[0])
    assert not np.array_equal(alone, together)
    with HostChip(built.image.bytes) as chip:
        link = Link(SocketStream(chip.uart0))
        link.boot_hello(60)
        assert link.selftest(1).passed == link.selftest(2).passed >= 3
        for resets, wanted in ((True, alone), (False, together)):
            for number, row in enumerate(wanted):
                link.send_input(inputs[number].tobytes())
                answer = link.infer(reset=resets or number == 0)
                np.testing.assert_array_equal(answer.logits, row)


def test_every_sequence_is_long_enough_to_show_a_state() -> None:
    for inputs in range(3, 40):
        rows = sequences(inputs)
        assert [n for one in rows for n in range(one.start, one.stop)] == list(range(inputs))
        assert all(one.stop - one.start >= 3 for one in rows)
    assert sequences(2) == [slice(0, 2)]


@pytest.mark.parametrize("board", ["esp-eye", "himax-we1-plus"])
def test_firmware_on_the_host_is_proven_without_counting_instructions(
    board: str, tmp_path: Path
) -> None:
    built = tiny_image("tiny", board)
    assert (built.image.header.runtime, built.sizes) == ("tflm", None)
    proof = prove(built.image, built.canonical, INPUTS, sensed=sensed())
    assert (proof.chip, proof.mismatches, proof.golden) == ("process of the host", 0, 4)
    assert proof.instructions_per_inference is None
    assert proof.instructions_per_window is None
    assert proof.stack_bytes is None
    again = build_image(request(board=board), tmp_path)
    assert again.image == built.image, "the same bytes each time"


def test_a_damaged_image_on_the_host_fails() -> None:
    built = tiny_image("tiny", "esp-eye")
    golden = request().golden[0].tobytes()
    data = built.image.bytes.replace(golden, bytes(b ^ 1 for b in golden))
    with pytest.raises(ProofFailed, match="boots with CRC"):
        prove(replace(built.image, bytes=data), built.canonical, INPUTS)


def test_a_device_that_counts_otherwise_fails() -> None:
    right = sensed()
    wrong = right.frame[:10] + bytes((right.frame[10] ^ 1,)) + right.frame[11:]
    with pytest.raises(ProofFailed, match=r"has counted 11[0-9a-f]{94} of 29 windows"):
        prove(
            tiny_image().image, tiny_image().canonical, INPUTS, sensed=replace(right, frame=wrong)
        )


def test_a_device_that_does_not_sample_is_not_waited_for() -> None:
    deaf = build_once(request(sampling=False))
    with (
        booted(deaf.image) as (machine, link, _),
        pytest.raises(LinkTimeout, match=r"window 1 in 0\.5 s"),
    ):
        sense(machine, link, sensed(), timeout=0.5, quiet=0.0)


def test_another_models_image_fails_naming_the_first_sample() -> None:
    with pytest.raises(ProofFailed, match=r"differs on \d+ of 12 samples, first on sample \d+: \["):
        prove(tiny_image().image, tiny_image("other").canonical, INPUTS)


def test_inputs_of_another_shape_are_refused_before_anything_boots() -> None:
    image = tiny_image()
    with pytest.raises(ConversionError, match=r"the model takes int8 \[1, 32, 1, 1\], given are 3"):
        prove(image.image, image.canonical, INPUTS[:3, :31])


def test_wrong_golden_logits_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Reference.run

    def off_by_one(self: Reference, inputs: np.ndarray, **how: int) -> np.ndarray:
        return original(self, inputs, **how) ^ np.int8(1)

    monkeypatch.setattr(Reference, "run", off_by_one)
    built = build_image(request(), tmp_path)
    monkeypatch.undo()
    with pytest.raises(ProofFailed, match="passes 0 of 4 golden windows"):
        prove(built.image, built.canonical, INPUTS)


def test_a_damaged_image_fails() -> None:
    image = tiny_image().image
    data = bytearray(image.bytes)
    at = data.index(request().golden[0].tobytes())
    data[at] ^= 1
    with pytest.raises(ProofFailed, match="boots with CRC"):
        prove(replace(image, bytes=bytes(data)), tiny_image().canonical, INPUTS)


def test_an_image_that_does_not_boot_fails() -> None:
    image = tiny_image().image
    data = bytearray(image.bytes)
    data[4:8] = (0x00030001).to_bytes(4, "little")  # the entry lies beyond the image
    with pytest.raises(ProofFailed, match="stopped answering"):
        prove(replace(image, bytes=bytes(data)), tiny_image().canonical, INPUTS, boot_timeout=2)


@pytest.mark.usefixtures("images_built_once")
@pytest.mark.parametrize(
    ("name", "board"),
    [
        ("tflm/hello_world_int8", "nano33ble-sense"),
        ("mlperf_tiny/kws_ref_model", "sparkfun-edge2"),
        pytest.param("mlperf_tiny/str_ww_ref_model", "nano33ble-sense", marks=pytest.mark.slow),
        pytest.param("mlperf_tiny/ad01_int8", "nano33ble-sense", marks=pytest.mark.slow),
        pytest.param("mlperf_tiny/vww_96_int8", "nano33ble-sense", marks=pytest.mark.slow),
        pytest.param(
            "mlperf_tiny/pretrainedResnet_quant", "nano33ble-sense", marks=pytest.mark.slow
        ),
    ],
)
def test_models_made_by_others_are_proven(name: str, board: str, tmp_path: Path) -> None:
    tflite = shared(f"data/tflite_models/{name}.tflite").read_bytes()
    built = build_bare(tflite, load_board(board), "model", tmp_path)
    shape = Reference(built.canonical).input_shape[1:]
    proof = prove(built.image, built.canonical, inputs_for(shape, 4, seed=3))
    assert proof.mismatches == 0
    assert proof.board == board
