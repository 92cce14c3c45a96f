"""The pages. They change rows, and the workers find them: nothing here imports `workers`."""
