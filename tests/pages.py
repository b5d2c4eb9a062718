"""What tests read of pages, figures and messages."""

import io
from html.parser import HTMLParser

import numpy as np
from PIL import Image


def decode(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def places(picture, tile):
    """Top left corners at which a picture holds exactly the pixels of a tile."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, tile.shape)[:, :, 0]
    # Most windows fail at the first pixel already.
    candidates = np.argwhere(np.all(windows[:, :, 0, 0] == tile[0, 0], axis=-1))
    return [(y, x) for y, x in candidates if np.array_equal(windows[y, x], tile)]


def texts(figure):
    return [text.get_text() for text in figure.texts]


class Page(HTMLParser):
    """The elements of a page, in order, and its text."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text = [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)

    def of(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]


def html_of(path):
    """The source of a page; the blank of "99.99 %", at which no line breaks, is written as any other."""
    return path.read_text(encoding="utf-8").replace("&nbsp;", " ")


def one_line(capsys):
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    return lines[0]


def metrics(runs=3, generations=60):
    """Of a search that rises at random."""
    rng = np.random.default_rng(0)
    rising = np.cumsum(rng.random((runs, generations + 1)), axis=1) - 5
    return {
        "generation": np.arange(generations + 1),
        "median_log_odds": rising,
        "min_log_odds": rising - 4,
        "replacements": rng.integers(0, 30, rising.shape),
    }
