"""The `retention:` section of project.yaml: what is still taken in, and what is kept how long."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tinyops.projects.section import Section

Days = Annotated[float, Field(gt=0)]


class Keep(Section):
    """How many days each class of data is kept; what is not named is kept for ever, except events.

    Gateways write events into S3 unasked, so these have a period from the start.

    Nothing goes that a release, the champion, the candidate pointer, the current dataset version or
    an open request needs, however old it is.
    """

    incoming_days: Days | None = Field(default=None, description="batches that were handled")
    quarantine_days: Days | None = Field(
        default=None, description="recordings and frames that were refused; the reasons stay"
    )
    datasets_days: Days | None = Field(default=None, description="versions of the dataset")
    dataset_versions: int = Field(
        default=1, ge=1, description="newest versions that stay, however old they are"
    )
    labels_days: Days | None = Field(
        default=None, description="sets as they were handed in; accepted labels stay"
    )
    candidates_days: Days | None = Field(default=None, description="candidates never released")
    predictions_days: Days | None = Field(default=None, description="what predict wrote")
    frames_days: Days | None = Field(default=None, description="counts of devices that were judged")
    events_days: Days | None = Field(
        default=180, description="events of gateways; 180 days unless stated, null for ever"
    )
    reports_days: Days | None = Field(default=None, description="Data Docs, verdicts, pictures")


class Retention(Section):
    """How old something may be that is still taken in, and how long what is there is kept."""

    labels_days: float = Field(default=730, gt=0, description="days from labelling to arrival")
    frames_days: float = Field(default=90, gt=0, description="days from gateway to judge")
    keep: Keep = Field(default=Keep(), description="nothing is deleted unless it is stated here")
