"""What is written down of every sale and every commission: invoices, what corrects them, and their documents."""
