"""Pages of TinyOps inside Airflow's web server; only for who may see the project's DAGs there."""

PREFIX = "/tinyops"
"""Where they are mounted."""

LABELS = f"{PREFIX}/labels/"
"""What people are asked for."""
