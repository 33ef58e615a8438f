"""What leaves for vendors, what comes back from them, and what they owe: sent once, by attempts written before."""
