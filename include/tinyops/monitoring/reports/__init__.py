"""Reports that Evidently draws of verdicts made here: pictures, never decisions."""
