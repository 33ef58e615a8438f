"""What the provider tells us: verified, stored once, answered, and only then looked into."""
