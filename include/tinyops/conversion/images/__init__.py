"""From a canonical model to the bytes of one target, with sizes, memory and profile."""
