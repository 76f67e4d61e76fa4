"""Buckets, signing keys, root of trust and Airflow's log-in: the last step of docker/init.sh."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tinyops.releases.keys import make_keys, write_durably
from tinyops.store import Store


def main() -> None:
    """Make what is missing; everything comes from the environment of docker-compose.yaml."""
    store = Store.from_env()
    for bucket in (store.bucket, os.environ["MLFLOW_BUCKET"]):
        Store(store.client, bucket).ensure_bucket()
        print(f"bucket {bucket} is there")

    # Own keys that lie there already are only checked.
    keys = make_keys(Path(os.environ["TINYOPS_SIGNING_KEYS"]))
    root = Path(os.environ["TINYOPS_TRUSTED_ROOT"])
    write_durably(root, keys.root_path.read_bytes())
    print(f"signing keys in {keys.path}, their public root in {root}")

    passwords = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    content = json.dumps({"admin": os.environ["AIRFLOW_ADMIN_PASSWORD"]})
    write_durably(passwords, content.encode(), mode=0o600)
    print("Airflow: user admin, password as in .env")


if __name__ == "__main__":
    main()
