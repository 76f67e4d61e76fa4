"""Run an OutstandingTrigger for ever and print each event as a line `EVENT <json>`."""

from __future__ import annotations

import asyncio
import json
import sys

from airflow.triggers.base import TriggerEvent

from tinyops_airflow import assets


async def watch(project: str, apart: float, repeat: float) -> None:
    [watcher] = assets.incoming(project).watchers
    # As the triggerer does: from the class path and the arguments that are in the database.
    _, arguments = watcher.trigger.serialize()
    trigger = type(watcher.trigger)(**{**arguments, "apart": apart, "repeat": repeat})

    async for event in trigger.run():
        assert isinstance(event, TriggerEvent)
        print("EVENT", json.dumps(event.payload), flush=True)


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1], *map(float, sys.argv[2:])))
