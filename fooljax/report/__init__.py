"""What people look at: two figures and a page that needs nothing but a browser."""

from fooljax.report.figures import curves, format_confidence, gallery, png_bytes, save_png
from fooljax.report.page import Elite, Number, Reached, Report, write_page

__all__ = [
    "Elite",
    "Number",
    "Reached",
    "Report",
    "curves",
    "format_confidence",
    "gallery",
    "png_bytes",
    "save_png",
    "write_page",
]
