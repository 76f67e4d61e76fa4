"""Embedded stack: S3, Airflow, gateway and virtual boards as processes of this machine."""
