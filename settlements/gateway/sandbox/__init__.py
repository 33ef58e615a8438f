"""A stateful stand-in for the payment provider: a program of its own that shares nothing with the marketplace."""
