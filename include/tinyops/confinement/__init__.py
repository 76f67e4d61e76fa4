"""Child processes with limits, for native readers of foreign files and models.

C and C++ may abort, loop or take all memory on damaged bytes. So they run in a process of their
own, which has a limit of memory and of time, no core dumps and no credentials, and which ends with
this process. It guards against accidents and against what a fuzzer finds; it is no wall against
code that has been smuggled in: the child is the same user on the same files.
"""

from tinyops.confinement.confined import Confined, Fall, Terms, confine
from tinyops.confinement.limits import Limits

__all__ = ["Confined", "Fall", "Limits", "Terms", "confine"]
