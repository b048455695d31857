"""Pictures drawn from a trained run: what to draw, the walks, what is kept of them."""
