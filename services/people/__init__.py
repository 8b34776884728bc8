"""What never enters a log: attachments and private data."""
