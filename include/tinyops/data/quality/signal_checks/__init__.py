"""What one recording's samples show by themselves: levels, gaps, saturation, spectrum, lines."""
