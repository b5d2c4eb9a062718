"""Defences of networks: their pure parts."""
