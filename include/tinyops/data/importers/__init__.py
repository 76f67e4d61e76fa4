"""Foreign files become recordings: CSV, WAV, NPZ, MAT, Parquet, Edge Impulse JSON and CBOR.

Reading never executes code: no pickle, no MATLAB objects.
"""

from tinyops.data.importers.capture import Capture, ImportRefused
from tinyops.data.importers.description import Description
from tinyops.data.importers.read import SUFFIXES, import_file

__all__ = ["SUFFIXES", "Capture", "Description", "ImportRefused", "import_file"]
