"""Companies, their people and keys: who may act for whom."""
