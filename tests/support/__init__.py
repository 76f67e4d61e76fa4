"""What the tests share: makers of data, models, boards and fleets, and processes they talk to."""
