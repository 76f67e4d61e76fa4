"""Virtual boards: a bootloader on a pseudo-terminal, a flash model, and an emulated chip."""
