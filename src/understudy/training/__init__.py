"""Recipe, schedule, the loop and its updates: how a network learns."""
