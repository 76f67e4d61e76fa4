"""Foreign files become recordings: CSV, WAV, NPZ, MAT, Parquet, Edge Impulse JSON and CBOR.

Reading never executes code: no pickle, no MATLAB objects.
"""

from tinyops.data.recordings.importers.capture import Capture, ImportRefused
from tinyops.data.recordings.importers.description import Description
from tinyops.data.recordings.importers.read import SUFFIXES, import_file

__all__ = ["SUFFIXES", "Capture", "Description", "ImportRefused", "import_file"]
