"""A person's grant at a vendor: connecting, tokens, calls within budgets, following streams, notices, kept answers."""
