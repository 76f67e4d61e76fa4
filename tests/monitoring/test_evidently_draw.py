"""From a verdict in S3 to its reports: the figures are the verdict's own."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from tinyops.errors import TinyOpsError
from tinyops.monitoring.evidence import Evidence, judge_frame_set
from tinyops.monitoring.reports.draw import draw_reports
from tinyops.monitoring.reports.snapshot import render_html, without_markup
from tinyops.monitoring.residuals import Residual
from tinyops.monitoring.verdict import Status, Verdict
from tinyops.projects.monitoring_section import Monitoring
from tinyops.sketches.components import FEATURE_NAMES
from tinyops.sketches.reference import Reference, build_reference
from tinyops.sketches.sketch import build_sketch, count
from tinyops.store import ObjectMissing, ReportKind, Store, layout

PROJECT, RELEASE = "motor_health", "20260301T070000Z-aaaaaa"
LABELS = ["normal", "inner_race", "outer_race", "ball"]
WINDOWS = 256
RESIDUAL = Residual(-4.2, 12, 4, 0.5, 0.9, 0.01, True)


@pytest.fixture(scope="module")
def judged() -> tuple[Reference, Evidence]:
    """A reference of made-up windows, and what a set of moved ones says."""
    rng = np.random.default_rng(0)
    labels = np.arange(1200) % 4
    noise = rng.normal(0, 20, (1200, 16))
    x = (noise + 6 * labels[:, None]).clip(-128, 127).astype(np.int8)
    logits = (rng.normal(0, 12, (1200, 4)) + 40 * np.eye(4)[labels]).clip(-128, 127).astype(np.int8)
    confidences = rng.integers(150, 256, 1200).astype(np.uint8)
    spec = build_sketch(x, confidences, every=1, frame_windows=64)
    reference = build_reference(
        spec,
        x,
        labels,
        groups=np.array([f"m{at % 40}" for at in range(1200)]),
        batches=np.full(1200, "b0"),
        parts=np.array(["train", "validation", "test"])[rng.integers(0, 3, 1200)],
        logits=logits,
        confidences=confidences,
        monitoring=Monitoring(false_alarm_rate=0.01),
        names=LABELS,
        model_sha256="ab" * 32,
    )
    moved = (x[:WINDOWS].astype(np.int16) + 12).clip(-128, 127).astype(np.int8)
    counts = count(spec, moved, logits.argmax(axis=1)[:WINDOWS], confidences[:WINDOWS])
    return reference, judge_frame_set(reference, counts)


def publish(
    store: Store,
    judged: tuple[Reference, Evidence],
    status: Status,
    evidence: Evidence | None,
    residual: Residual | None,
    device: str = "motor-1",
) -> Verdict:
    reference, _ = judged
    verdict = Verdict(
        project=PROJECT,
        device=device,
        release=RELEASE,
        reference_tag=reference.tag,
        status=status,
        reason="the inputs <moved>",
        evidence=evidence,
        residual=residual,
        frames={"epoch": 1, "first_window": 0, "last_window": WINDOWS - 1, "n": 4},
        virtual_seconds=100.0,
        virtual=True,
        at="2026-03-01T08:00:00+00:00",
    )
    store.put_json(layout.verdict(PROJECT, verdict.id), verdict.to_dict())
    release = layout.release(PROJECT, RELEASE)
    store.put(release + layout.REFERENCE, reference.to_json().encode())
    return verdict


def metrics(store: Store, kind: ReportKind, verdict: Verdict) -> dict[tuple[Any, ...], float]:
    content = store.get_json(layout.evidently(PROJECT, kind, verdict.id))
    found = {}
    for result in content["metric_results"].values():
        config = result["metric_value_location"]["metric"]["params"]
        name = config.get("name") or (config.get("column"), config.get("method"))
        found[name] = result.get("value")
    return found


def test_the_drift_report_has_the_verdicts_figures(
    store: Store, judged: tuple[Reference, Evidence]
) -> None:
    _, evidence = judged
    assert evidence.drifted
    verdict = publish(store, judged, "data drift", evidence, None)
    uris = draw_reports(store, PROJECT, verdict.id)
    key = layout.evidently(PROJECT, ReportKind.DRIFT, verdict.id)
    assert uris == [store.uri(key)] == draw_reports(store, PROJECT, verdict.id)
    found = metrics(store, ReportKind.DRIFT, verdict)
    for name, effect in zip(FEATURE_NAMES, evidence.effects, strict=True):
        assert found[name, "psi"] == pytest.approx(effect.psi, abs=1e-9)
        assert found[name, "jensenshannon"] == pytest.approx(effect.js, abs=1e-9)
    assert found["Distance from the reference, T²"] == evidence.statistic
    assert found["p-value without drift"] == evidence.p
    assert found["Estimated accuracy"] == evidence.estimated_accuracy.value
    assert found["Out of range"] == max(each.out_of_range for each in evidence.effects)
    assert found["What moved"] == abs(evidence.moved[0].z)
    metadata = store.get_json(key)["metadata"]
    assert metadata["status"] == "data drift"
    assert metadata["board"] == "virtual"
    assert "the verdict of TinyOps" in metadata["decided_by"]
    assert "arbitrarily" in metadata["rows"]
    page = render_html(store, PROJECT, ReportKind.DRIFT, verdict.id).decode()
    assert f"Verdict of TinyOps: virtual board motor-1, release {RELEASE}" in page


def test_a_name_ends_no_script_of_the_page(
    store: Store, judged: tuple[Reference, Evidence]
) -> None:
    hostile = "</script><script>alert(1)</script><!--"
    verdict = publish(store, judged, "data drift", judged[1], None, device=hostile)
    draw_reports(store, PROJECT, verdict.id)
    page = render_html(store, PROJECT, ReportKind.DRIFT, verdict.id).decode()
    assert "alert(1)" in page
    assert "<script>alert" not in page
    head = page.partition("<body>")[0]
    assert head.count("<script") == head.count("</script>") == 1
    [title] = re.findall(r"<title>(.*?)</title>", head)
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in title
    # The page reads the same text as before: both names of the metadata and the headings.
    for text in re.findall(r"^ *var \w+ = (\{.*\});?\s*$", head, re.MULTILINE):
        assert "<" not in text
        assert isinstance(json.loads(text), dict)


def test_a_page_of_another_evidently_is_refused() -> None:
    with pytest.raises(TinyOpsError, match="0 embedded JSON texts, expected 2"):
        without_markup("<html><script>var x = [1];</script></html>")


def test_labels_get_a_report_of_their_own_from_the_newest_evidence(
    store: Store, judged: tuple[Reference, Evidence]
) -> None:
    def labelled(name: str, right: int) -> None:
        says = ["ball"] * right + ["normal"] * (12 - right)
        rows = [{"recording_id": "r", "label": "ball", "predictions": says}]
        content = {"release": RELEASE, "recordings": rows}
        store.put_json(layout.labelled(PROJECT, RELEASE, name), content)

    labelled("b", 11)
    verdict = publish(store, judged, "concept drift", judged[1], RESIDUAL)
    drawn = draw_reports(store, PROJECT, verdict.id)
    kinds = (ReportKind.DRIFT, ReportKind.PERFORMANCE)
    keys = {kind: layout.evidently(PROJECT, kind, verdict.id) for kind in kinds}
    assert sorted(drawn) == sorted(map(store.uri, keys.values()))
    content = store.get_json(keys[ReportKind.PERFORMANCE])
    shown = {each["title"]: each["params"] for each in content["widgets"]}
    now, then = shown["Accuracy"]["counters"]
    assert (now["value"], now["label"]) == ("91.7%", "labelled since the release (12 windows)")
    held_out = judged[0].confusion
    assert then["value"] == f"{np.trace(held_out) / held_out.sum():.1%}"
    found = metrics(store, ReportKind.PERFORMANCE, verdict)
    assert found["Residual of the labels, z"] == RESIDUAL.z
    note = shown["Residual of the labels, z"]["counters"][0]["label"]
    assert note == "concept drift below -2.33"


def test_a_verdict_without_evidence_has_nothing_to_draw(
    store: Store, judged: tuple[Reference, Evidence]
) -> None:
    verdict = publish(store, judged, "unknown", None, None)
    assert draw_reports(store, PROJECT, verdict.id) == []
    with pytest.raises(ObjectMissing, match="0123456789abcdef"):
        draw_reports(store, PROJECT, "0123456789abcdef")
