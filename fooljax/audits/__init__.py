"""Audits: how easily a network is fooled, and whether a detector would notice."""
