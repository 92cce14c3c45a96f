"""What operators see and do: the board, the one sentence, the metrics; accounts, acts, and what is kept of them."""
