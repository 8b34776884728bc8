"""The stand-alone verifier of evidence packs, and what it expects of them."""
