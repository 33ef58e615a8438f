"""The ground floor: who trades, what, at what price, and what was agreed."""

import gc

# Modules, classes and mappings stay for ever, and a request makes thousands of objects that end with it by themselves:
# to look at them as often as Python does by itself costs a third of every start, and some of each request.
gc.set_threshold(20_000, 20, 50)
