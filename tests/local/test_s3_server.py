"""The embedded S3 server as S3 clients see it: what TinyOps relies on, tried on the real server."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tinyops.local.swift import EmbeddedS3
from tinyops.store import Store


def client(env: dict[str, str], **changed: str) -> Any:
    keys = env | changed
    return boto3.Session().client(
        "s3",
        endpoint_url=keys["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        region_name=keys["AWS_DEFAULT_REGION"],
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def status_of(call: Any) -> int:
    with pytest.raises(ClientError) as caught:
        call()
    return int(caught.value.response["ResponseMetadata"]["HTTPStatusCode"])


def test_listing_goes_on_over_pages(store: Store) -> None:
    keys = [f"many/{number:03d}" for number in range(25)]
    for key in keys:
        store.put(key, b"")
    pages = store.client.get_paginator("list_objects_v2").paginate(
        Bucket=store.bucket, Prefix="many/", PaginationConfig={"PageSize": 10}
    )
    rows = [[row["Key"] for row in page["Contents"]] for page in pages]
    assert [len(row) for row in rows] == [10, 10, 5]
    assert [key for row in rows for key in row] == keys


def test_ranges_from_either_end(store: Store) -> None:
    store.put("range", b"0123456789")

    def part(wanted: str) -> bytes:
        answer = store.client.get_object(Bucket=store.bucket, Key="range", Range=wanted)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
        return bytes(answer["Body"].read())

    assert part("bytes=2-4") == b"234"
    assert part("bytes=-3") == b"789"
    assert part("bytes=8-99") == b"89"


def test_unchanged_object_is_a_304(store: Store) -> None:
    store.put("same", b"x")
    etag = store.client.head_object(Bucket=store.bucket, Key="same")["ETag"]
    again = lambda: store.client.get_object(Bucket=store.bucket, Key="same", IfNoneMatch=etag)  # noqa: E731
    assert status_of(again) == 304
    store.put("same", b"y")
    assert again()["Body"].read() == b"y"


def test_multipart_upload_becomes_one_object(store: Store) -> None:
    name = {"Bucket": store.bucket, "Key": "parts"}
    upload = store.client.create_multipart_upload(**name)["UploadId"]
    blocks = [b"a" * 5 * 1024 * 1024, b"b" * 1000]
    parts = []
    for number, block in enumerate(blocks, start=1):
        answer = store.client.upload_part(**name, UploadId=upload, PartNumber=number, Body=block)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    assert not store.exists("parts")
    store.client.complete_multipart_upload(
        **name, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    assert store.get("parts") == b"".join(blocks)


@pytest.mark.parametrize(
    "wrong",
    [{"AWS_SECRET_ACCESS_KEY": "wrong"}, {"AWS_ACCESS_KEY_ID": "tinyops:nobody"}],
    ids=["secret", "user"],
)
def test_wrong_keys_are_refused(store: Store, s3_env: dict[str, str], wrong: Any) -> None:
    store.put("secret", b"1")
    stranger = client(s3_env, **wrong)
    assert status_of(lambda: stranger.get_object(Bucket=store.bucket, Key="secret")) == 403


def test_anonymous_requests_are_refused(store: Store, s3_env: dict[str, str]) -> None:
    import urllib.error
    import urllib.request

    store.put("secret", b"1")
    for path in (f"{store.bucket}/secret", f"v1/AUTH_tinyops/{store.bucket}/secret"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{s3_env['AWS_ENDPOINT_URL_S3']}/{path}")
        assert caught.value.code in (400, 401, 403)


ENOUGH = 20


def test_readers_never_see_half_an_object(store: Store, s3_env: dict[str, str]) -> None:
    key = {"Bucket": store.bucket, "Key": "status"}
    ended = threading.Event()
    written, read, torn = [0], [0] * 4, []

    def content(version: int) -> bytes:
        pad = "x" * (1000 + (version * 37) % 3000)
        return json.dumps({"version": version, "pad": pad, "end": version}).encode()

    store.client.put_object(**key, Body=content(0))

    def write() -> None:
        writer = client(s3_env)
        while not ended.is_set():
            written[0] += 1
            writer.put_object(**key, Body=content(written[0]))

    def look(reader: int) -> None:
        s3 = client(s3_env)
        while not ended.is_set():
            try:
                found = json.loads(s3.get_object(**key)["Body"].read())
                if found["version"] != found["end"]:
                    torn.append(found)
            except (ValueError, ClientError) as error:
                torn.append(error)
            read[reader] += 1

    threads = [threading.Thread(target=write)]
    threads += [threading.Thread(target=look, args=(reader,)) for reader in range(4)]
    for thread in threads:
        thread.start()
    # Some seconds, and on a busy machine until everybody has had a turn.
    start = time.monotonic()
    while time.monotonic() < start + 4 or min(written + read) < ENOUGH:
        if time.monotonic() > start + 60:
            break
        time.sleep(0.1)
    ended.set()
    for thread in threads:
        thread.join()
    assert torn == []
    assert min(written + read) >= ENOUGH


def test_state_holds_keys_for_this_user_only(s3_server: EmbeddedS3) -> None:
    home = s3_server.state_dir / "s3"
    assert home.stat().st_mode & 0o777 == 0o700
    secret = s3_server.env()["AWS_SECRET_ACCESS_KEY"]
    assert len(secret) >= 32
    for path in (home / "secrets.json", *(home / "etc").glob("*.conf")):
        assert path.stat().st_mode & 0o077 == 0, path
