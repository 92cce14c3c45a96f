"""The steps that make the tables, one file each, in order."""
