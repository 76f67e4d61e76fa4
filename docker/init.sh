#!/bin/sh
# Brings databases, pools, buckets, keys and log-in to what the services expect; safe to repeat.
set -eu

airflow db migrate
airflow pools import plugins/tinyops_airflow/pools.json
mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI"
python docker/prepare.py
