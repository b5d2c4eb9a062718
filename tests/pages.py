"""What tests read of pages, figures and messages."""

import io
from html.parser import HTMLParser

import numpy as np
from PIL import Image


def decode(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


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


def one_line(capsys):
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    return lines[0]
