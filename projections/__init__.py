"""What we show: read models folded from the ledger, and the machinery that folds them."""
