"""Store against a real S3 server: what it promises, and what it says when things go wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyops.local.ports import free_ports
from tinyops.store import ObjectMissing, Store, StoreError, StoreUnavailable
from tinyops.store.endpoint import VARIABLES, EndpointInvalid


def test_bytes_come_back_and_are_replaced_whole(store: Store) -> None:
    assert store.put("a/b.bin", b"one") == f"s3://{store.bucket}/a/b.bin"
    store.put("a/b.bin", b"two")
    assert store.get("a/b.bin") == b"two"
    assert store.key(store.uri("a/b.bin")) == "a/b.bin"


def test_json_round_trip_is_sorted(store: Store) -> None:
    store.put_json("x.json", {"b": 1, "a": "µ"})
    assert store.get("x.json") == '{\n  "a": "µ",\n  "b": 1\n}\n'.encode()
    assert store.get_json("x.json") == {"a": "µ", "b": 1}
    assert store.get_json_or("none.json", 5) == 5


def test_missing_objects_are_named(store: Store) -> None:
    with pytest.raises(ObjectMissing, match="no/such/key"):
        store.get("no/such/key")
    assert not store.exists("no/such/key")
    store.delete("no/such/key")


def test_not_json_is_named(store: Store) -> None:
    for content in (b"{", b"\xff", b"[" * 100_000):
        store.put("bad.json", content)
        with pytest.raises(StoreError, match=r"bad\.json is not JSON"):
            store.get_json("bad.json")


def test_conditional_get_saves_the_transfer(store: Store) -> None:
    store.put("status.json", b"1")
    first = store.get_if_changed("status.json", None)
    assert first is not None
    assert first[0] == b"1"
    assert store.get_if_changed("status.json", first[1]) is None
    store.put("status.json", b"2")
    second = store.get_if_changed("status.json", first[1])
    assert second is not None
    assert second[0] == b"2"


def test_listing_is_complete_and_in_key_order(store: Store) -> None:
    keys = [f"p/{number:04d}" for number in (3, 1, 2)] + ["p/x/1", "p/x/2", "q/1"]
    for key in keys:
        store.put(key, b"12345")
    rows = list(store.objects("p/"))
    assert [row.key for row in rows] == sorted(keys)[:-1]
    assert {row.size for row in rows} == {5}
    assert store.folders("p/") == ["x"]
    assert store.folders("") == ["p", "q"]


def test_download_appears_whole(store: Store, tmp_path: Path) -> None:
    store.put("d", b"data")
    assert store.download("d", tmp_path / "deep" / "file").read_bytes() == b"data"
    with pytest.raises(ObjectMissing, match="none"):
        store.download("none", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_large_file_goes_in_parts_and_comes_back(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(bytes(range(256)) * 40_000)  # 10 MB: above boto3's 8 MB part size
    store.upload(source, "large")
    back = store.download("large", tmp_path / "back")
    assert back.read_bytes() == source.read_bytes()
    (row,) = store.objects("large")
    assert row.size == source.stat().st_size


def test_no_server_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with pytest.raises(StoreUnavailable) as caught:
        Store.from_env(attempts=1, timeout=1).get("x")
    assert str(port) in caught.value.message
    assert "tinyops up" in caught.value.fix


def test_wrong_key_is_refused_and_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreError, match="refused the keys") as caught:
        Store.from_env().get("x")
    assert "AWS" in caught.value.fix


def test_no_keys_at_all_says_which_to_set(
    s3_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_env["AWS_ENDPOINT_URL_S3"])
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StoreError, match="no S3 credentials") as caught:
        Store.from_env().get("x")
    assert "AWS_ACCESS_KEY_ID" in caught.value.fix


def test_missing_bucket_is_named(store: Store) -> None:
    with pytest.raises(StoreError, match="no bucket 'absent-bucket'"):
        list(Store(store.client, "absent-bucket").objects(""))


def test_uri_of_another_bucket_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="not in bucket"):
        store.key("s3://other/key")


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
@pytest.mark.parametrize(
    "value",
    ["localhost:9000", "10.0.0.5:9000", "s3.example.org", "ftp://host", "http://", "http://h:x"],
)
def test_an_endpoint_that_is_no_url_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(EndpointInvalid) as caught:
        Store.from_env()
    assert caught.value.message.startswith(f"{variable}: {value!r}, expected a URL")
    assert variable in caught.value.fix


def test_a_profile_that_does_not_exist_is_an_error_with_a_fix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "absent")
    with pytest.raises(StoreError, match="absent") as caught:
        Store.from_env()
    assert "AWS_PROFILE" in caught.value.fix
