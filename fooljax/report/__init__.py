"""What people look at: figures, and a page that needs nothing but a browser."""

import fooljax.report.style  # noqa: F401  # isort: split  (meets Matplotlib before the others do)
from fooljax.engine.log_odds import format_confidence
from fooljax.report._strip import strip
from fooljax.report.classes import Entry, write_classes
from fooljax.report.figures import curves, gallery, png_bytes, save_png
from fooljax.report.fonts import label
from fooljax.report.fooling import Second, fooling_gallery
from fooljax.report.page import MAX_ELITES, Elite, Number, Reached, Report, write_page

__all__ = [
    "MAX_ELITES",
    "Elite",
    "Entry",
    "Number",
    "Reached",
    "Report",
    "Second",
    "curves",
    "fooling_gallery",
    "format_confidence",
    "gallery",
    "label",
    "png_bytes",
    "save_png",
    "strip",
    "write_classes",
    "write_page",
]
