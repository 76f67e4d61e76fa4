"""One module a bootloader protocol, named as `protocol.name` in the catalogue.

Each has `flash(port, image, board, progress, ask) -> FlashReport`, called by `boards.flashing`.
Drivers of the operator's own are loaded by `boards.own_driver`.
"""
