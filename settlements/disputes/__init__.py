"""Chargebacks: what they took, what speaks against them until when, and who bears those that are lost."""
