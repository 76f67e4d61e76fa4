"""What one recording cannot show: batch and dataset side by side."""
