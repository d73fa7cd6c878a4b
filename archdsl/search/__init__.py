"""The search engine: what is asked, solved, trained, and answered."""
