"""The engine: pure functions of arrays. No file, clock, thread or plot is known here."""
