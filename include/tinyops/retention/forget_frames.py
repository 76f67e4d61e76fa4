"""Frames of devices that were on a forgotten machine and on no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from tinyops.monitoring.table import read_folder, replace_table, table_keys
from tinyops.sketches.frames import LARGEST_OBJECT, FrameError, decode_records, encode_records
from tinyops.store import ObjectTooLarge, Store, layout


def remove_frames(store: Store, project: str, devices: Collection[str]) -> Counter[str]:
    """Rewrite files and tables of frames without those of these devices.

    Files come first: a table is made of them, and would be made again.
    """
    counts: Counter[str] = Counter()
    if not devices:
        return counts
    for row in list(store.objects(layout.frames(project))):
        if layout.is_frames_object(row.key):
            counts["frames_removed"] += _clean_file(store, row.key, devices)
    for day in store.folders(layout.frame_tables(project)):
        date = layout.frames_date(day)
        if date is None:
            continue
        for folder in store.folders(layout.frame_tables(project, date)):
            gateway = layout.frames_gateway(folder)
            if gateway is not None:
                _clean_table(store, project, date, gateway, devices)
    return counts


def _clean_file(store: Store, key: str, devices: Collection[str]) -> int:
    try:
        records, _ = decode_records(store.get(key, LARGEST_OBJECT))
    except (FrameError, ObjectTooLarge):
        return 0  # Set aside as unreadable by monitor; counts of nobody that can be named.
    left = [record for record in records if record.device not in devices]
    if len(left) == len(records):
        return 0
    if left:
        store.put(key, encode_records(left))
    else:
        store.delete(key)
    return len(records) - len(left)


def _clean_table(
    store: Store, project: str, date: str, gateway: str, devices: Collection[str]
) -> None:
    rows = read_folder(store, project, date, gateway)
    left = [row for row in rows if row.record.device not in devices]
    if len(left) == len(rows):
        return
    old = table_keys(store, project, date, gateway)
    if left:
        key, _ = replace_table(store, project, date, gateway, left)
        old = [one for one in old if one != key]
    for one in old:
        store.delete(one)
