"""From a dataset version to a candidate; what the train DAG and the command line call."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tinyops.conversion.candidates.write import Candidate, write_candidate
from tinyops.data.datasets.dataset import (
    Dataset,
    current_version,
    open_dataset,
    read_manifest,
    unfit_dataset,
)
from tinyops.frontend import from_project
from tinyops.projects import Project, load_project
from tinyops.projects.coverage import coverage_gaps
from tinyops.releases.keys import signing_keys
from tinyops.releases.seal import Seal
from tinyops.store import Consumer, Pointer, Receipt, Store, layout, receipts, sha256_hex
from tinyops.training import registry
from tinyops.training.card import CardFacts, model_card
from tinyops.training.champion import champion_candidate, settle_champion
from tinyops.training.comparison import compare, comparison_metrics
from tinyops.training.evaluate import evaluate
from tinyops.training.feature_cache import training_steps, windows_at
from tinyops.training.fit import fit, logits_of
from tinyops.training.int8_loss import Int8Loss, float_decisions, int8_decisions, int8_loss
from tinyops.training.quantisation import quantised
from tinyops.training.recipe import Recipe, TrainingError, recipe_of
from tinyops.training.reference_windows import reference_windows
from tinyops.training.verdict import Verdict, headline, judge
from tinyops.training.windows import golden_windows, spread

__all__ = ["outstanding_dataset", "settle_champion", "train_candidate"]

log = logging.getLogger(__name__)
_PROOF_INPUTS = 64


def outstanding_dataset(store: Store, project: Project | str) -> str | None:
    """The current dataset version, unless it was trained on or is unfit; older ones are
    superseded."""
    name = project if isinstance(project, str) else project.name
    version = current_version(store, name)
    if version is None or receipts.read(store, name, Consumer.TRAIN, version):
        return None
    return None if unfit_dataset(store, name) else version


def train_candidate(
    store: Store, project: Project | str, dataset: str, run_id: str
) -> dict[str, Any]:
    """Train, quantise, evaluate and judge; write the candidate, then pointer and receipt.

    Parameters
    ----------
    dataset
        A dataset version.
    run_id
        Names the candidate's folder.

    Returns
    -------
    {candidate, status: first | better | worse, reason, dataset, mlflow_run, and headline figures}

    Raises
    ------
    TrainingError
        A part of the version lacks a class, or its recordings are shorter than a window.
    SigningKeyError
        The key that seals the candidate is missing; nothing was trained.
    """
    project = load_project(project) if isinstance(project, str) else project
    seal = signing_keys().seal()  # before the hours of training, not after
    data = open_dataset(store, project, dataset)
    if unfit := data.manifest.get("unfit"):
        reason, _, fix = unfit.partition(" -> ")
        raise TrainingError(
            f"{project.name}: dataset version {dataset} is unfit to train on: {reason}", fix
        )
    recipe = recipe_of(project.training)
    frontend = from_project(project.frontend, project.signal)
    parts = windows_at(data, project, frontend, training_steps(project, recipe))
    windows = {str(name): part.counts(project.labels) for name, part in parts.items()}
    if gaps := coverage_gaps(windows, project.labels):
        raise TrainingError(
            f"{project.name}: dataset version {dataset} is unfit to train on, counted in windows: "
            f"{gaps}",
            "send recordings of that class, of a window's length at least",
        )
    say = _speaker(project.name)
    say(", ".join(f"{name} {len(part)} windows" for name, part in parts.items()))
    model = fit(parts["train"], parts["validation"], frontend, len(project.labels), recipe, say)
    made = quantised(model, parts["train"], parts["validation"], frontend, project, recipe, say)
    tflite, test = made.tflite, parts["test"]
    before = float_decisions(logits_of(model, test, frontend))
    after = int8_decisions(tflite, test.features)
    floating, int8 = (
        evaluate(test.labels, each.classes, test.groups, project.labels) for each in (before, after)
    )
    loss = int8_loss(test, before, after, project.labels)
    best = champion_candidate(store, project.name)
    comparison = compare(store, project, best, test, after.classes, frontend) if best else None
    verdict = judge(project.objective, int8, loss, comparison)
    say(f"macro F1 float {floating.macro_f1:.3f}, int8 {int8.macro_f1:.3f}: {verdict.status}")
    figures = {
        **headline(project.objective, floating, int8, comparison),
        **loss.figures(project.objective.metric),
        "quantisation": made.method,
    }
    facts = CardFacts(
        project=project,
        run=run_id,
        dataset=dataset,
        recipe=recipe,
        parts={str(part): windows for part, windows in parts.items()},
        floating=floating,
        int8=int8,
        quantised=made,
        loss=loss,
        comparison=comparison,
        verdict=verdict,
        model_bytes=len(tflite),
        parameters=int(model.count_params()),
    )
    metrics = {
        "float": floating.to_dict(),
        "int8": int8.to_dict(),
        "quantisation": made.to_dict() | {"test": loss.to_dict()},
        **comparison_metrics(comparison, project.objective.metric),
        "status": verdict.status,
        "reason": verdict.reason,
        "simulated": project.source.simulated,
    }
    golden, labels = golden_windows(data.recordings("test"), project)
    manifest = {
        "project": project.name,
        "run": run_id,
        "dataset": dataset,
        "labels": project.labels,
        "model_sha256": sha256_hex(tflite),
        "frontend": frontend.spec.to_dict(),
        "input_scale": frontend.input_scale,
        "input_zero_point": frontend.input_zero_point,
        "simulated": project.source.simulated,
        "windows": windows,
        "status": verdict.status,
        "reason": verdict.reason,
        "metrics": figures,
        "recipe": recipe.__dict__,
    }
    candidate = Candidate(
        manifest=manifest,
        model=tflite,
        metrics=metrics,
        card=model_card(facts),
        golden={"windows": golden, "features": frontend.run(golden), "labels": labels},
        proof_inputs=spread(test.features, _PROOF_INPUTS),
        reference=reference_windows(data, project, frontend, recipe),
    )
    manifest["mlflow_run"] = _track(candidate, recipe, data, verdict, loss)
    write_unless_gone(store, project.name, candidate, data, seal)
    uri = store.uri(layout.candidate(project.name, run_id))
    _conclude(store, project, run_id, dataset, verdict, manifest, uri)
    return {
        "candidate": run_id,
        "status": verdict.status,
        "reason": verdict.reason,
        "dataset": dataset,
        "mlflow_run": manifest["mlflow_run"],
        **figures,
    }


def _track(
    candidate: Candidate, recipe: Recipe, data: Dataset, verdict: Verdict, loss: Int8Loss
) -> str:
    manifest, files = candidate.manifest, candidate.files()
    numbers = {k: v for k, v in manifest["metrics"].items() if not isinstance(v, str)}
    for part in loss.classes:
        # Names of MLflow's metrics take no other characters.
        numbers[re.sub(r"[^\w. /-]", "_", f"int8_loss/{part.name}")] = part.share
    return registry.log_run(
        manifest["project"],
        manifest["run"],
        params={**recipe.__dict__, "dataset": data.version},
        metrics=numbers,
        tags={
            "status": verdict.status,
            "quantisation": manifest["metrics"]["quantisation"],
            "simulated": str(manifest["simulated"]).lower(),
        },
        artifacts={name: files[name] for name in (layout.CARD, layout.METRICS)},
        dataset=registry.TrainedOn(
            data.version,
            data.store.uri(layout.dataset_manifest(manifest["project"], data.version)),
            {name: data.manifest["counts"][name] for name in ("by_part", "by_label")},
        ),
    )


def write_unless_gone(
    store: Store, project: str, candidate: Candidate, data: Dataset, seal: Seal | None = None
) -> None:
    """Write the candidate, unless recordings that it learnt from went while it was trained.

    Whoever forgets a machine rewrites manifests before looking for candidates, so that one of the
    two sees the other.
    """
    _refuse_forgotten(store, project, data)
    write_candidate(store, candidate, seal)
    try:
        _refuse_forgotten(store, project, data)
    except TrainingError:
        folder = layout.candidate(project, candidate.manifest["run"])
        for row in list(store.objects(folder)):
            store.delete(row.key)
        raise


def _refuse_forgotten(store: Store, project: str, data: Dataset) -> None:
    now = read_manifest(store, project, data.version)
    if any(now.get(key) != data.manifest.get(key) for key in ("forgotten", "removed")):
        raise TrainingError(
            f"{project}: recordings of dataset version {data.version} were removed meanwhile",
            "train on the current version",
        )


def _conclude(
    store: Store,
    project: Project,
    run: str,
    dataset: str,
    verdict: Verdict,
    manifest: dict[str, Any],
    uri: str,
) -> None:
    """Registry and pointer for an accepted candidate, then the receipt for either."""
    accepted = verdict.status != "worse"
    if accepted:
        registry.register(project.name, run, manifest["mlflow_run"], uri, dataset)
        content = {
            "version": run,
            "dataset": dataset,
            "metrics": manifest["metrics"],
            "at": datetime.now(UTC).isoformat(),
        }
        store.put_json(layout.pointer(project.name, Pointer.CANDIDATE), content)
    status: receipts.Status = "done" if accepted else "refused"
    receipt = Receipt(Consumer.TRAIN, dataset, status, output=run, reason=verdict.reason)
    receipts.write(store, project.name, receipt)


def _speaker(project: str) -> Callable[[str], None]:
    def say(line: str) -> None:
        log.info("%s: %s", project, line)

    return say
