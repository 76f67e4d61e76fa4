"""Label sets, their CSV files, and requests for labels."""
