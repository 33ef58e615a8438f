"""Letters to companies and people."""
