"""The gateway's metrics for Prometheus, read from its state whenever they are scraped.

Names and units follow prometheus.io/docs/practices/naming. A point in time is exported as such, in
Unix seconds, so that its age goes on growing when nothing happens any more.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tinyops import __version__
from tinyops.gateway.disk_reserve import DiskReserve
from tinyops.gateway.frame_queue import FrameQueue
from tinyops.gateway.journal import STEPS, Journal
from tinyops.gateway.watch import ReleaseWatch
from tinyops.gateway.worker import DeviceWorker


class GatewayCollector(Collector):
    """All metrics of one gateway; safe to scrape from any thread."""

    def __init__(
        self,
        name: str,
        state: Path,
        workers: list[DeviceWorker],
        journal: Journal,
        frames: FrameQueue,
        watch: ReleaseWatch,
        reserve: DiskReserve,
    ) -> None:
        self._name = name
        self._state = state
        self._workers = workers
        self._journal = journal
        self._frames = frames
        self._watch = watch
        self._reserve = reserve

    def collect(self) -> Iterator[Metric]:
        """One family a metric."""
        yield from self._gateway()
        yield from self._devices()
        yield from self._flashing()
        yield from self._frame_counts()

    def _gateway(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "tinyops_gateway",
            "The gateway's name and its version of TinyOps.",
            {"name": self._name, "version": __version__},
        )
        yield GaugeMetricFamily(
            "tinyops_gateway_last_s3_success_timestamp_seconds",
            "When S3 last answered a poll for releases; 0 before the first time.",
            self._watch.reached_at,
        )
        yield GaugeMetricFamily(
            "tinyops_gateway_releases_current",
            "1 when the newest release metadata was read and verifies, else 0.",
            float(not self._watch.problem),
        )
        yield GaugeMetricFamily(
            "tinyops_gateway_events_waiting",
            "Events that S3 does not have yet.",
            self._journal.waiting_count(),
        )
        yield GaugeMetricFamily(
            "tinyops_gateway_state_bytes", "Size of the state folder.", _size(self._state)
        )
        yield GaugeMetricFamily(
            "tinyops_gateway_state_free_bytes",
            "Room that is left on the state folder's disk.",
            shutil.disk_usage(self._state).free,
        )
        yield GaugeMetricFamily(
            "tinyops_gateway_disk_full",
            "1 when nothing but the journal is written to the state folder's disk, else 0.",
            float(bool(self._reserve.problem)),
        )

    def _devices(self) -> Iterator[Metric]:
        by_step = GaugeMetricFamily(
            "tinyops_gateway_devices", "Devices by the step they are at.", labels=["step"]
        )
        image = InfoMetricFamily(
            "tinyops_gateway_device",
            "The image that a device has last attested.",
            labels=["device"],
        )
        failures = GaugeMetricFamily(
            "tinyops_gateway_device_failures",
            "Failures in a row of the step that a device is at.",
            labels=["device"],
        )
        action = GaugeMetricFamily(
            "tinyops_gateway_device_action_needed",
            "1 when a person has to do something at the device, else 0.",
            labels=["device"],
        )
        states = {worker: worker.state for worker in self._workers}
        for step in STEPS:
            by_step.add_metric([step], sum(state.step == step for state in states.values()))
        for worker, state in states.items():
            device = worker.device
            about = {
                "board": device.board,
                "project": device.project,
                "target": device.target,
                "version": state.confirmed.version,
                "image_sha256": state.confirmed.sha256,
            }
            image.add_metric([device.id], about)
            failures.add_metric([device.id], state.failures)
            action.add_metric([device.id], float(bool(worker.action)))
        yield from (by_step, image, failures, action)

    def _flashing(self) -> Iterator[Metric]:
        labels = ["device", "result"]
        flashes = CounterMetricFamily(
            "tinyops_gateway_flashes", "Tries to write an image.", labels=labels
        )
        attestations = CounterMetricFamily(
            "tinyops_gateway_attestations", "Tries to have an image attest.", labels=labels
        )
        written = CounterMetricFamily(
            "tinyops_gateway_flash_bytes", "Bytes of the images written.", labels=["device"]
        )
        recent = GaugeMetricFamily(
            "tinyops_gateway_flashes_last_24h",
            "Flashes within the last 24 hours, also those before the gateway's start.",
            labels=["device"],
        )
        limit = GaugeMetricFamily(
            "tinyops_gateway_flashes_per_day",
            "Flashes that a device may have within 24 hours.",
            labels=["device"],
        )
        retries = CounterMetricFamily(
            "tinyops_gateway_flash_retries",
            "Pages, frames or blocks that had to be written again.",
            labels=["device"],
        )
        for worker in self._workers:
            device, tally = worker.device.id, worker.board.tally
            for family, outcomes in ((flashes, tally.flashes), (attestations, tally.attestations)):
                for result, count in asdict(outcomes).items():
                    family.add_metric([device, result], count)
            written.add_metric([device], tally.bytes)
            retries.add_metric([device], tally.retries)
            flashes_now = worker.writer.flashes
            recent.add_metric([device], flashes_now["last_24h"])
            limit.add_metric([device], flashes_now["per_day"])
        yield from (flashes, attestations, written, retries, recent, limit)

    def _frame_counts(self) -> Iterator[Metric]:
        received, sent, dropped = (
            CounterMetricFamily(f"tinyops_gateway_frames_{what}", text, labels=["device"])
            for what, text in (
                ("received", "Frames taken from the device."),
                ("sent", "Frames that S3 has."),
                ("dropped", "Frames that went because too many waited for S3."),
            )
        )
        refused = CounterMetricFamily(
            "tinyops_gateway_frames_refused",
            "Frames that were not taken for good.",
            labels=["device", "reason"],
        )
        waiting = GaugeMetricFamily(
            "tinyops_gateway_frames_waiting", "Frames that wait for S3.", labels=["device"]
        )
        for worker in self._workers:
            device = worker.device.id
            counts = self._frames.counts(device)
            received.add_metric([device], counts.sent + counts.waiting + counts.dropped)
            sent.add_metric([device], counts.sent)
            dropped.add_metric([device], counts.dropped)
            waiting.add_metric([device], counts.waiting)
            for reason, count in counts.refused.items():
                refused.add_metric([device, reason], count)
        yield from (received, sent, dropped, refused, waiting)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # SQLite and downloads come and go
            continue
    return total
