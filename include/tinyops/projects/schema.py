"""What project.yaml may say. Physical units are part of the field's description."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from tinyops.projects.cron import require_cron
from tinyops.projects.frontend_section import FrontendSection
from tinyops.projects.gate_section import Gate, Privacy
from tinyops.projects.monitoring_section import Monitoring
from tinyops.projects.retention_section import Retention
from tinyops.projects.section import Section
from tinyops.projects.split_section import Split

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,30}$")]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line of text for pages and databases."""

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class Signal(Section):
    """What the sensor delivers and how it is cut into windows."""

    channels: list[str] = Field(min_length=1, description="channel names, in order")
    unit: str = Field(description="physical unit of the signal")
    rate_hz: float = Field(gt=0, description="samples per second and channel")
    window: int = Field(ge=8, le=65536, description="samples per window")
    hop: int = Field(ge=1, description="samples from one window to the next")
    full_scale: list[float] = Field(
        min_length=1, description="per channel, the physical value at int16 32767"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.channels)) != len(self.channels):
            raise ValueError("channels: a name is used twice")
        if len(self.full_scale) != len(self.channels):
            raise ValueError(
                f"full_scale: {len(self.full_scale)} values for {len(self.channels)} channels"
            )
        if any(value <= 0 for value in self.full_scale):
            raise ValueError("full_scale: every value must be above 0")
        if self.hop > self.window:
            raise ValueError(f"hop: {self.hop} leaves gaps between windows of {self.window}")
        return self


class Source(Section):
    """Where recordings come from when nobody has sent any: a named source in `data.sources`."""

    kind: Name
    simulated: bool = Field(description="true when the recordings are not real; shown everywhere")
    options: dict[str, float | int | str | bool] = Field(default_factory=dict)


class Training(Section):
    """How the model is built and fitted."""

    model: Name = Field(default="ds_cnn", description="a builder in training.models")
    options: dict[str, float | int | str | bool] = Field(default_factory=dict)
    epochs: int = Field(default=30, ge=1)
    batch_size: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    qat_epochs: int = Field(
        default=4,
        ge=0,
        description="of quantisation-aware training where post-training loses too much; 0: none",
    )
    seed: int = 7


class Objective(Section):
    """What a candidate must reach before it may be released."""

    metric: Literal["macro_f1", "accuracy"] = "macro_f1"
    minimum: Fraction
    allowed_regression: Fraction = Field(
        default=0.01, description="how far below the champion a candidate may be"
    )
    int8_loss: Fraction = Field(default=0.01, description="how much int8 may lose against float")
    int8_class_loss: Fraction = Field(
        default=0.05, description="how much of one class's windows int8 may lose"
    )
    int8_slice_loss: Fraction = Field(
        default=0.1, description="how much of one slice's windows int8 may lose"
    )
    slices: list[Annotated[str, Field(pattern=r"^condition:\w+$")]] = Field(
        default_factory=list, description="conditions whose values are slices, as machines are"
    )
    tail_loss: Fraction = Field(
        default=0.5, description="how much of the order among the strangest windows int8 may lose"
    )
    separation_loss: Fraction = Field(
        default=0.05, description="how much partial AUC the int8 score may lose, see docs"
    )
    allowed_slowdown: float = Field(
        default=0.2,
        ge=0.0,
        le=100.0,
        description="share by which a candidate may need more instructions a window than the "
        "champion, on the same target",
    )
    allowed_forgetting: Fraction = Field(
        default=0.02, description="how much a candidate may lose on what the champion knew"
    )


class Constraint(Section):
    """What the model may use of one board."""

    flash_bytes: int = Field(gt=0)
    ram_bytes: int = Field(gt=0)
    latency_ms: float = Field(gt=0, description="per window, on the board's clock")


class Schedule(Section):
    """When training starts without a reason in the data."""

    train: str = Field(default="0 2 * * *", max_length=100, description="cron, UTC")

    @field_validator("train")
    @classmethod
    def _comes(cls, train: str) -> str:
        require_cron(train)
        return train


class Rollout(Section):
    """How a release spreads: growing shares of the fleet."""

    rings: list[Fraction] = Field(
        default_factory=lambda: [1.0],
        min_length=1,
        description="shares of the devices; the first holds a new release's trial, 1.0 promotes it",
    )

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if sorted(self.rings) != self.rings or self.rings[-1] != 1.0:
            raise ValueError("rollout.rings must grow and end in 1.0")
        return self


class Project(Section):
    """One use case, as its project.yaml says."""

    name: Name
    title: Line
    goal: str = Field(min_length=10)
    owner: Line
    sensor: str = Field(description="a sensor of the board catalogue, or an external one")
    signal: Signal
    source: Source
    labels: list[str] = Field(min_length=2, max_length=32)
    frontend: FrontendSection
    split: Split = Split()
    gate: Gate = Gate()
    privacy: Privacy = Privacy()
    training: Training = Training()
    objective: Objective
    monitoring: Monitoring = Monitoring()
    boards: list[str] = Field(min_length=1)
    constraints: dict[str, Constraint] = Field(default_factory=dict)
    schedule: Schedule = Schedule()
    rollout: Rollout = Rollout()
    retention: Retention = Retention()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels: a name is used twice")
        stray = set(self.constraints) - set(self.boards)
        if stray:
            raise ValueError(f"constraints: {', '.join(sorted(stray))} not among boards")
        return self
