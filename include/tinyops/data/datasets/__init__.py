"""Dataset versions as they are read: index, splits, cached files, differences."""
