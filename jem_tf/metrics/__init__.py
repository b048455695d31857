"""Measures of arrays: no models, no files."""
