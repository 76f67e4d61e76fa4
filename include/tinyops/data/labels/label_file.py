"""Labels as CSV, as people fill them in: `recording_id,label` and perhaps `note`."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from tinyops.data.labels.label_set import LabelError, LabelRow

REQUIRED = ("recording_id", "label")
SHOWN = ("current_label", "predicted_label")
TEMPLATE = ("recording_id", *SHOWN, "label", "note")


def read_label_file(path: Path) -> tuple[LabelRow, ...]:
    """The labels of a file; rows whose label is empty are left out, columns of the template read.

    Raises
    ------
    LabelError
        The file is no such CSV, or holds no label; names file, line and column.
    """
    try:
        # Spreadsheets write a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_columns(path, list(reader.fieldnames or ()))
            rows = [_row(path, reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{path}: cannot be read as CSV: {error}", "save it as UTF-8") from None
    labels = tuple(row for row in rows if row is not None)
    if not labels:
        raise LabelError(f"{path}: holds no label", "fill in the column label")
    return labels


def write_template(file: TextIO, rows: Iterable[tuple[str, str, str]]) -> None:
    """A file to fill in, of (recording id, current label, predicted label)."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(TEMPLATE)
    writer.writerows((*row, "", "") for row in rows)


def _check_columns(path: Path, found: list[str]) -> None:
    wrong = [f"column {name} is missing" for name in REQUIRED if name not in found]
    wrong += [f"column {name!r} is unknown" for name in found if name not in TEMPLATE]
    if wrong:
        raise LabelError(f"{path}: {'; '.join(wrong)}", f"first line: {','.join(REQUIRED)},note")


def _row(path: Path, line: int, row: dict[str | None, str | None]) -> LabelRow | None:
    if None in row or None in row.values():
        raise LabelError(f"{path} line {line}: another number of cells than columns", "correct it")
    texts = {str(name): str(text).strip() for name, text in row.items()}
    if not texts["recording_id"]:
        raise LabelError(f"{path} line {line}: recording_id is empty", "name the recording")
    if not texts["label"]:
        return None
    return LabelRow(
        recording_id=texts["recording_id"], label=texts["label"], note=texts.get("note", "")
    )
