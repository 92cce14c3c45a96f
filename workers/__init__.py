"""Doing, and telling people: the Celery app and its tasks, the channels, the command, and the supervisor of it all."""
