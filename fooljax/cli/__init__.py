"""The commands: flags from settings, and failures as one line on stderr."""
