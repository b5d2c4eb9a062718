"""A page in Chromium, headless, driven through a pipe by the protocol that its developer tools speak."""

import base64
import contextlib
import fcntl
import json
import os
import shutil
import tempfile

import pytest

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDS_BROWSER = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium, which is not installed")
KEYS = {
    "Enter": (13, "\r"),
    "Tab": (9, ""),
    "Backspace": (8, ""),
    "ArrowLeft": (37, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
    " ": (32, " "),
}
"""Keys that write no letter of their own: the number that the protocol has for them, and their text."""


class Page:
    """A tab."""

    def __init__(self, downloads, width=800, height=900, touch=False):
        self._home = tempfile.mkdtemp()
        to_read, commands = os.pipe()
        replies, to_write = os.pipe()
        home = f"--user-data-dir={self._home}"
        words = [PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", home]
        # The browser reads from 3 and writes to 4. The pipes are moved up first, lest one is overwritten.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_read, to_write)]
        silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
        pipes = [(os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(ends, 3)]
        self._process = os.posix_spawn(PROGRAM, words, os.environ, file_actions=[*silent, *pipes])
        for end in (to_read, to_write, *ends):
            os.close(end)
        self._commands, self._replies = os.fdopen(commands, "wb", 0), os.fdopen(replies, "rb")
        self._number, self._session = 0, None
        self.errors, self._events = [], []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.send("Page.enable")
        self.send("Runtime.enable")
        self.send("Log.enable")
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=touch,
        )
        self.send(
            "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads), eventsEnabled=True
        )

    def send(self, method, **parameters):
        """A command; its reply."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        while (reply := self._read()).get("id") != self._number:
            pass
        assert "error" not in reply, reply["error"]
        return reply["result"]

    def wait_for(self, event):
        """Waits until the browser tells of an event; its parameters."""
        while True:
            for place, found in enumerate(self._events):
                if found["method"] == event:
                    return self._events.pop(place)["params"]
            self._read()

    def _read(self):
        text = bytearray()
        while (byte := self._replies.read(1)) != b"\0":
            assert byte, "the browser has ended"
            text += byte
        message = json.loads(text)
        if message.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.errors.append(message["params"])
        elif "method" in message:
            self._events.append(message)
        return message

    def open(self, path):
        self._events.clear()
        self.send("Page.navigate", url=path.resolve().as_uri())
        self.wait_for("Page.loadEventFired")

    def run(self, script):
        """The value of an expression, or of the promise that it gives."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def answer(self, key):
        """A key that answers, which the page takes only a moment after it has shown an image."""
        self.run("new Promise(done => setTimeout(done, 220))")
        self.press(key)

    def press(self, key):
        """A key."""
        number, text = KEYS.get(key, (ord(key.upper()), key) if len(key) == 1 else (0, ""))
        told = {"key": key, "windowsVirtualKeyCode": number}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **told)
        self.send("Input.dispatchKeyEvent", type="keyUp", **told)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def screenshot(self, path):
        data = self.send("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self):
        self._session = None
        with contextlib.suppress(AssertionError, OSError):
            self.send("Browser.close")
        os.waitpid(self._process, 0)
        self._commands.close()
        self._replies.close()
        shutil.rmtree(self._home, ignore_errors=True)


@contextlib.contextmanager
def opened(path, downloads, **shape):
    """A page in a browser of its own."""
    page = Page(downloads, **shape)
    try:
        page.open(path)
        yield page
    finally:
        page.close()
