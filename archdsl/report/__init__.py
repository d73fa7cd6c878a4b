"""A study as a page: its answer in words, its charts, its trials, and how it was made."""
