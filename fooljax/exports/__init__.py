"""Finished runs as data sets that the tools of others read."""
