"""Faults injected into real processes, and the history checker that says whether anything was lost."""
