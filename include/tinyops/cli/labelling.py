"""What the commands of `tinyops label` share: opening, what a model says, who is asking."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyops.data.datasets.dataset import Dataset
    from tinyops.data.labels.label_request import LabelRequest
    from tinyops.projects import Project
    from tinyops.store import Store


def open_project(project: str) -> tuple[Store, Project]:
    """The store, and a project by its name."""
    from tinyops.projects import load_project
    from tinyops.store import Store

    config = load_project(project)
    return Store.from_env(), config


def predicted_labels(
    store: Store, project: Project, dataset: Dataset, asked: LabelRequest
) -> dict[str, str]:
    """Recording id -> what the request's release says of it; empty where its model is gone."""
    from tinyops.store import ObjectMissing
    from tinyops.training.released import ReleasedModel

    try:
        model = ReleasedModel.load(store, project, asked.release)
    except ObjectMissing:
        return {}
    said = model.decide(dataset.recordings(only=set(asked.recordings)))
    return {name: one.majority for name, one in said.items()}


def login_name() -> str:
    """Who runs this process; LabelError where the system does not know."""
    from tinyops.data.labels.label_set import LabelError

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise LabelError("this process has no login name", "give --author") from None
