"""Flashes per device and day, over restarts and clocks that jump."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyops.gateway.database import Database
from tinyops.gateway.flash_budget import DAY, FlashBudget, FlashBudgetSpent

NOON = 1_796_126_400.0  # 2026-12-01 12:00 UTC


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "journal.db")


def test_a_budget_counts_24_hours_back_for_each_device(database: Database, clock: Clock) -> None:
    budget = FlashBudget(database, 2, clock)
    budget.spend("a")
    clock.now += 3600
    budget.spend("a")
    with pytest.raises(FlashBudgetSpent, match="a was flashed 2 times within 24 h") as caught:
        budget.spend("a")
    assert "wait until 2026-12-02 12:00 UTC" in caught.value.fix
    budget.spend("b")
    assert FlashBudget(database, 2, clock).used("a") == 2, "after a restart"
    with pytest.raises(FlashBudgetSpent, match="wait until 2026-12-02 13:00"):
        FlashBudget(database, 1, clock).require("a")
    clock.now = NOON + DAY
    budget.spend("a")
    assert budget.used("a") == 2
    assert database.rows("SELECT COUNT(*) FROM flash WHERE device = 'a'") == [(2,)]


def test_what_has_written_nothing_is_given_back(database: Database, clock: Clock) -> None:
    budget = FlashBudget(database, 1, clock)
    budget.refund(budget.spend("a"))
    budget.spend("a")
    assert budget.used("a") == 1


def test_a_clock_that_was_ahead_closes_the_budget_for_a_day_at_most(
    database: Database, clock: Clock
) -> None:
    budget = FlashBudget(database, 1, clock)
    clock.now = NOON + 3650 * DAY
    budget.spend("a")
    clock.now = NOON
    with pytest.raises(FlashBudgetSpent, match="wait until 2026-12-02 12:00"):
        budget.require("a")
    clock.now = NOON + DAY
    budget.require("a")
