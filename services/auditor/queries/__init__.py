"""What an auditor can ask, one module a context; the list is in `registry`."""
