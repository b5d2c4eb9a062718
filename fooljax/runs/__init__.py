"""A search on disk: its recipe, its folder, its elites and ancestries, and how it is opened again."""
