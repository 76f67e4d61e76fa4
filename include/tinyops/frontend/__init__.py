"""Windows of samples to model input: one C implementation for training and board."""

from tinyops.frontend.counts import cut_windows, to_counts
from tinyops.frontend.frontend import Frontend, from_project
from tinyops.frontend.spec import FrontendError, FrontendSpec

__all__ = ["Frontend", "FrontendError", "FrontendSpec", "cut_windows", "from_project", "to_counts"]
