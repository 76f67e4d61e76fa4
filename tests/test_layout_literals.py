"""Keys, file names and pointers of S3 come from their owners: nobody else spells one."""

from __future__ import annotations

import pytest

from tests.support.checkout import ROOT
from tests.support.layout_literals import OWNERS, Handmade, vocabulary

EXCEPTIONS = {
    ("include/tinyops/boards/drivers/esptool.py", '"image.bin"'): (
        "a file in a scratch folder, which esptool gets as an argument"
    ),
    ("include/tinyops/conversion/arduino/sources.py", 'f"{path.parent.name}.txt"'): (
        "a licence in an Arduino library"
    ),
    ("plugins/tinyops_pages/__init__.py", 'f"{PREFIX}/labels/"'): "the address of a page",
    ("plugins/tinyops_pages/links.py", 'f"{PREFIX}/reports/{project}/{kind}/{page}"'): (
        "the address of a page"
    ),
    ("plugins/tinyops_pages/reports.py", '"/reports/{project}/{kind}/{path:path}"'): (
        "the address of a page"
    ),
}
"""(file, what stands there): why it names no key."""

WORDS = vocabulary()


def faults(source: str) -> list[str]:
    return [text for _, text in Handmade(source, WORDS).faults()]


def test_nobody_but_their_owners_spells_keys() -> None:
    found = {
        (str(path.relative_to(ROOT)), text): f"{path.relative_to(ROOT)}:{line}: {text}"
        for folder in ("include/tinyops", "plugins", "dags")
        for path in (ROOT / folder).rglob("*.py")
        if path not in OWNERS
        for line, text in Handmade(path.read_text(encoding="utf-8"), WORDS).faults()
    }
    assert sorted(said for key, said in found.items() if key not in EXCEPTIONS) == []
    assert set(EXCEPTIONS) - set(found) == set(), "an exception that nobody needs any more"


def test_the_owners_own_words_are_known() -> None:
    assert {"batch.json", "model.tflite", "status.json", "channel.json"} <= WORDS.files
    assert {".json", ".parquet", ".bin.zst"} <= WORDS.suffixes
    assert {"date=", "gateway=", "labels-", "recordings-"} <= WORDS.prefixes
    assert {"incoming", "releases", "gateways", "tuf"} <= WORDS.folders


@pytest.mark.parametrize(
    "source",
    [
        # A file's name, alone or with what leads to it.
        'NAME = "metrics.json"',
        'READY = "/batch.json"',
        'files = {"card.md": card}',
        'store.get("gateways/line-3/status.json")',
        'store.get(f"{project}/current/dataset.json")',
        'key = f"{folder}metrics.json"',
        # A literal behind a key, or in front of it.
        'key = layout.candidate(project, run) + "notes"',
        'folder = layout.release(project, version)\nkey = folder + "notes"',
        'folder = layout.release(project, version)\nkey = folder + f"{target}/notes"',
        'uri = store.uri(layout.incoming(project)) + f"{batch}/"',
        'folder = layout.incoming(project)\nkey = f"{folder}{batch}"',
        'key = f"{layout.incoming(project)}{batch}/"',
        'for folder in (layout.label_sets(p), layout.requests(p)):\n    store.get(folder + "x")',
        'old, new = layout.release(p, "a"), layout.release(p, "b")\nstore.get(new + "x")',
        'copy = row.key + ".old"',
        # Names that layout makes.
        'name = f"labels-{set_id}"',
        'name = f"{sha256}.parquet"',
        'name = f"{version}.targets.json"',
        'folder = f"{PREFIX}/reports/{kind}"',
        # A key that is taken apart.
        'name = row.key.removesuffix(".json")',
        'day = folder.removeprefix("date=")',
        'tables = [row for row in rows if row.key.endswith(".parquet")]',
        'found = path.endswith((".json", ".csv"))',
        'name = row.key.rpartition("/")[2]',
        'key = layout.candidate(p, run)\nname = key.split("/")[1]',
        'name = row.key.removeprefix(prefix).partition("/")[0]',
        "prefix = layout.frames(p)\nname = prefix[3:]",
        r'KEY = re.compile(r"gateway=(\w+)/(\d+)\.bin\.zst")',
        # Pointers, consumers and kinds of reports as texts.
        'layout.pointer(project, "champion")',
        'layout.pointer(project, name="champoin")',
        'POINTER = "dataset"\nlayout.pointer(project, POINTER)',
        'for name in ("release", "candidate"):\n    layout.pointer(project, name)',
        '[layout.pointer(project, name) for name in ("release", "candidate")]',
        'receipts.read(store, project, "train", version)',
        'receipts.handled(store, project, consumer="train")',
        'Receipt("release", candidate, "done")',
        'layout.report(project, "story", device)',
    ],
)
def test_a_key_that_is_made_by_hand_is_found(source: str) -> None:
    assert faults(source)
    assert faults(f"def function() -> None:\n    {source.replace(chr(10), chr(10) + '    ')}")


@pytest.mark.parametrize(
    "source",
    [
        "key = layout.candidate(project, run) + layout.METRICS",
        "folder = layout.candidate(p, run)\nkeys = [folder + name for name in layout.SELF_TEST]",
        "layout.pointer(project, Pointer.CHAMPION)",
        'Receipt(Consumer.TRAIN, dataset, "done")',
        "for name in (Pointer.RELEASE, Pointer.CANDIDATE):\n    layout.pointer(project, name)",
        # Local files.
        'path = folder / "model.tflite"',
        'path = cache / f"{sha256}.parquet"',
        'found = path.suffix.lower() == ".parquet"',
        'files = folder.glob("*.bin")',
        # The same words with another meaning.
        'dataset = content["dataset"]',
        'name = "release"',
        'app.command("monitor")',
        # Sentences.
        '"""Written to metrics.json."""',
        'text = f"{folder}{name} is not JSON: {error}"',
        'text = "status.json is no JSON object"',
        'error = f"{store.uri(key)}: {message}"',
        'hosts = file.url.split("/")[2]',
    ],
)
def test_what_makes_no_key_is_let_be(source: str) -> None:
    assert faults(source) == []
