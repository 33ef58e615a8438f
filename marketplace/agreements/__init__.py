"""What was agreed: price lists and contract prices with buyers, terms with vendors."""
