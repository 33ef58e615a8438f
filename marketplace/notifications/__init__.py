"""Letters to people: written down with the fact they tell of, sent by a job, once as far as mail allows."""
