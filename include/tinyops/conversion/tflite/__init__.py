"""A .tflite file in, a canonical .tflite file out, proven equal."""
