"""Money given back: decided once, sent attempt by attempt until it arrives."""
