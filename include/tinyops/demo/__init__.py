"""One model's life told on this machine, with a simulated world and its people."""
