-- Run once, when the volume is new. Airflow and MLflow both keep their schema's version in a table
-- called alembic_version, so each has a database of its own.
CREATE DATABASE mlflow;
