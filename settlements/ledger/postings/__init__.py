"""Facts of business as postings: pure, and each function's postings come to zero. One module per kind of event."""
