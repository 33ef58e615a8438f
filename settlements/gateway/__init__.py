"""The door to the payment provider: `port` says what we ask of it, `stripe_gateway` asks it."""
