"""What people look at: figures, and a page that needs nothing but a browser."""

import fooljax.report.style  # noqa: F401  # isort: split  (meets Matplotlib before the others do)
from fooljax.engine.log_odds import format_confidence
from fooljax.report.classes_page import ClassImage, write_classes
from fooljax.report.content import MAX_ELITES, Elite, FooledAt, Number, RunPage
from fooljax.report.course import curves
from fooljax.report.fonts import label
from fooljax.report.fooling import NamedAs, fooling_gallery
from fooljax.report.grid import gallery
from fooljax.report.network_drawing import draw_network
from fooljax.report.png import png_bytes, save_png
from fooljax.report.run_page import write_run_page
from fooljax.report.sequence import strip
from fooljax.report.showing import Showing, show

__all__ = [
    "MAX_ELITES",
    "ClassImage",
    "Elite",
    "FooledAt",
    "NamedAs",
    "Number",
    "RunPage",
    "Showing",
    "curves",
    "draw_network",
    "fooling_gallery",
    "format_confidence",
    "gallery",
    "label",
    "png_bytes",
    "save_png",
    "show",
    "strip",
    "write_classes",
    "write_run_page",
]
