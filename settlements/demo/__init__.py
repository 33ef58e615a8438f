"""The demonstration marketplace: companies, goods and orders of our own making, for machines that show Kontor."""
