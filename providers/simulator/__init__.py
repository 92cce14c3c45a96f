"""Synthetic people with known stories, and the vendors' side of the conversation. Pure and seeded."""
