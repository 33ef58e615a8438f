"""The seller's desk: how a company becomes a vendor, and how he works."""
