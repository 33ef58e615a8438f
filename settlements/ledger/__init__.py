"""Double entry: what the marketplace, its vendors and its buyers own and owe, append-only and balanced."""
