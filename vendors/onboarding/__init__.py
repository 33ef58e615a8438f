"""Application and review: how a company becomes a vendor, and stops being one."""
