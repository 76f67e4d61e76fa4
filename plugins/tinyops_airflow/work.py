"""Rules that several tasks share: going through a backlog, naming a run, what is left over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from tinyops.errors import TinyOpsError
from tinyops.projects import Project
from tinyops.projects.dag_ids import dag_id
from tinyops.store import (
    Consumer,
    Pointer,
    Receipt,
    Store,
    StoreUnavailable,
    content_id,
    layout,
    receipts,
)

T = TypeVar("T")
log = logging.getLogger(__name__)


def handle_each(
    inputs: Iterable[str], handle: Callable[[str], T]
) -> tuple[list[T], list[TinyOpsError]]:
    """Handle every input in order; one that cannot be handled does not stop those behind it.

    StoreUnavailable is raised at once: it would meet all others too, and the task is retried.
    """
    results: list[T] = []
    errors: list[TinyOpsError] = []
    for item in inputs:
        try:
            results.append(handle(item))
        except StoreUnavailable:
            raise
        except TinyOpsError as error:
            log.exception("%s stays outstanding", item)
            errors.append(error)
    return results, errors


class ProjectsFailed(TinyOpsError):
    """Some projects could not be served; all others were."""

    def __init__(self, errors: Mapping[str, Exception]) -> None:
        self.errors = dict(errors)
        told = "; ".join(f"{name}: {error}" for name, error in errors.items())
        super().__init__(f"{len(errors)} of the projects failed: {told}", "See the log of each.")


def each_project(
    projects: Iterable[Project], act: Callable[[Project], T]
) -> tuple[dict[str, T], dict[str, Exception]]:
    """Act on every project; trouble with one does not stop the others.

    Whatever `act` raises counts as trouble of that project, since a damaged object of it may make
    anything raise. StoreUnavailable is raised at once: it would meet all others too.

    Returns
    -------
    results and errors, both by the project's name
    """
    results: dict[str, T] = {}
    errors: dict[str, Exception] = {}
    for project in projects:
        try:
            results[project.name] = act(project)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("%s: skipped", project.name)
            errors[project.name] = error
    return results, errors


def all_projects(projects: Iterable[Project], act: Callable[[Project], T]) -> dict[str, T]:
    """Act on every project and return the results; ProjectsFailed at the end for any trouble."""
    results, errors = each_project(projects, act)
    if errors:
        raise ProjectsFailed(errors)
    return results


def take_in(
    store: Store, project: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[TinyOpsError]]:
    """Handle every outstanding batch and label set: (batches, label sets, errors)."""
    from tinyops.data.ingest.ingest import ingest_batch, outstanding_batches
    from tinyops.data.ingest.relabel import apply_labels, outstanding_labels

    batches, errors = handle_each(
        outstanding_batches(store, project), lambda batch: ingest_batch(store, project, batch)
    )
    # Labels may be about recordings of these very batches, so they come second.
    labels, more = handle_each(
        outstanding_labels(store, project), lambda one: apply_labels(store, project, one)
    )
    return batches, labels, errors + more


def take_in_all(store: Store, project: str, ti: Any) -> dict[str, Any]:
    """Handle all that is outstanding and push what became of it; the extra of the new version.

    Raises
    ------
    AirflowSkipException
        There is no new version.
    TinyOpsError
        The first of those that could not be handled, when there is no new version either.
    """
    from airflow.sdk.exceptions import AirflowSkipException

    from tinyops.data.datasets.dataset import unfit_dataset

    batches, labels, errors = take_in(store, project)
    ti.xcom_push(key="batches", value=batches)
    ti.xcom_push(key="labels", value=labels)
    done = [*batches, *labels]
    versions = [one["dataset"] for one in done if one["status"] in ("accepted", "applied")]
    if errors and not versions:
        raise errors[0]
    if not versions:
        raise AirflowSkipException(f"no new version from {len(done)} inputs: {done}")
    uri = store.uri(layout.dataset(project, versions[-1]))
    extra = {"uri": uri, "version": versions[-1], "batches": batches, "labels": labels}
    unfit = unfit_dataset(store, project)
    return extra | {"unfit": unfit} if unfit else extra


def carry_out_requests(store: Store, project: Project, ti: Any) -> None:
    """Remove what somebody asked to have removed, before anything new refers to it."""
    from tinyops.data.ingest.upkeep import outstanding_requests

    if not outstanding_requests(store, project.name):
        return
    from tinyops.retention.carry_out import carry_out_all

    ti.xcom_push(key="requests", value=carry_out_all(store, project))


def run_name(run_id: str, run_after: datetime) -> str:
    """A name for an S3 folder that sorts by time and is the same at every try of a run.

    Airflow's own run id holds `:` and `+`, and asset-triggered runs have no logical date.
    """
    return f"{run_after:%Y%m%dT%H%M%SZ}-{content_id(run_id, 6)}"


def settle_or_log(store: Store, project: str) -> None:
    """Bring the champion up to date before a challenger is compared with it.

    Where the signed channel cannot be read, the champion of before is compared with: trouble with
    releases does not stop training, and `tinyops__maintain` is red for it.
    """
    from tinyops.training.pipeline import settle_champion

    try:
        settle_champion(store, project)
    except StoreUnavailable:
        raise
    except TinyOpsError:
        log.exception("%s: champion not settled, the previous one is compared with", project)


def nothing_to_train(store: Store, project: str) -> str:
    """Reason why there is nothing to train on: classes or labels that have not come, or no data."""
    from tinyops.data.datasets.dataset import unfit_dataset
    from tinyops.data.labels.label_request import open_requests

    waiting = [
        f"waiting for labels for {request.id}: {request.instructions}"
        for request in open_requests(store, project)
        if request.about
    ]
    if unfit := unfit_dataset(store, project):
        waiting.insert(0, f"the current dataset version is unfit to train on: {unfit}")
    return "; ".join(waiting) or "no dataset version that was not trained on"


def outstanding_candidate(store: Store, project: str) -> str | None:
    """The newest accepted candidate, unless release has handled it.

    The pointer names it, so candidates that were superseded before their release are never built.
    """
    pointer = store.get_json_or(layout.pointer(project, Pointer.CANDIDATE), None)
    if pointer is None or receipts.read(store, project, Consumer.RELEASE, pointer["version"]):
        return None
    return str(pointer["version"])


@contextmanager
def refusing(store: Store, project: str, candidate: str) -> Iterator[None]:
    """Write a receipt when the candidate itself is to blame, so that it is not built again.

    Anything else (S3, a missing compiler, an emulator that dies) leaves it outstanding.
    """
    from tinyops.conversion.candidates.coverage import UnfitCandidate
    from tinyops.conversion.tflite.errors import DoesNotFit, ProofFailed
    from tinyops.serving.errors import SlowerThanChampion
    from tinyops.sketches.reference import ReferenceError
    from tinyops.sketches.sketch import SketchError

    try:
        yield
    except (
        *(UnfitCandidate, DoesNotFit, ProofFailed, SlowerThanChampion),
        *(SketchError, ReferenceError),
    ) as verdict:
        refusal = Receipt(Consumer.RELEASE, candidate, "refused", reason=str(verdict))
        receipts.write(store, project, refusal)
        raise


def left_over(store: Store, project: str) -> dict[str, tuple[str, object]]:
    """What each DAG of a project has not handled: {dag id: (kind of asset, the work)}."""
    from tinyops.data.ingest.inbox import outstanding_inputs
    from tinyops.monitoring.frame_inbox import outstanding_frames
    from tinyops.monitoring.silence import silent_devices
    from tinyops.training.pipeline import outstanding_dataset

    work: dict[str, tuple[str, object]] = {
        dag_id(project, "ingest"): ("incoming", outstanding_inputs(store, project)),
        dag_id(project, "train"): ("dataset", outstanding_dataset(store, project)),
        dag_id(project, "release"): ("candidate", outstanding_candidate(store, project)),
        dag_id(project, "monitor"): (
            "frames",
            [*outstanding_frames(store, project), *silent_devices(store, project)],
        ),
    }
    return {dag: (kind, found) for dag, (kind, found) in work.items() if found}
