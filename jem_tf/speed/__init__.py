"""How fast a step is, and how fast this machine could compute it."""
