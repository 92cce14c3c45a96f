"""What each vendor is, and what its files mean: declarations and pure functions, no I/O and no clock."""
