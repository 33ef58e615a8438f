"""The foundations: session, money, states, events, access, problems. No business words in here."""
