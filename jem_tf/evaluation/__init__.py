"""A trained model's answers, one file a question; functions return {name: value}."""
