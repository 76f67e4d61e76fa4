"""Great Expectations' classes that the field lacks. Importing them costs GX: inside functions only.

Written against Great Expectations 1.24.
"""

from tinyops.data.quality.expectations.balance import ExpectClassesToBeBalanced
from tinyops.data.quality.expectations.before import ExpectGroupsAsBefore
from tinyops.data.quality.expectations.coverage import ExpectEveryClassInEveryPart
from tinyops.data.quality.expectations.shares import ExpectClassSharesAsBefore

__all__ = [
    "ExpectClassSharesAsBefore",
    "ExpectClassesToBeBalanced",
    "ExpectEveryClassInEveryPart",
    "ExpectGroupsAsBefore",
]
