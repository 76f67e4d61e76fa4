"""What imports Airflow and is shared between the DAG files."""
