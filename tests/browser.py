"""Chromium without a window, driven through its DevTools protocol."""

import base64
import json
import shutil
import subprocess
import time
from contextlib import contextmanager

#: Names under which systems install it.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def found():
    """Return the browser's path, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browsing(folder):
    """Start the browser with a profile of its own, give a page of it, and end it."""
    command = [
        found(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--hide-scrollbars", "--remote-debugging-port=0", "--remote-allow-origins=*",
        f"--user-data-dir={folder}", "about:blank",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        page = Page(_address(folder, process))
        yield page
        page.close()
    finally:
        process.terminate()
        process.wait(20)


def _address(folder, process):
    """Return where the browser listens, once it does."""
    port = folder / "DevToolsActivePort"
    for _ in range(300):
        if port.exists() and len(lines := port.read_text().splitlines()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.1)
    raise AssertionError((folder / "log").read_text())


def complaints(page):
    """What the browser has to say of a page, and what else it has loaded."""
    for event in page.events:
        method, said = event.get("method"), event.get("params", {})
        if method == "Log.entryAdded":
            yield said["entry"]
        elif method in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
            yield said
        elif method == "Runtime.consoleAPICalled":
            yield said["args"]
        elif method == "Network.requestWillBeSent":
            asked = said["request"]["url"]
            if said["type"] != "Document" and asked != "data:,":
                yield asked


class Page:
    """A tab: commands go there, events are kept."""

    def __init__(self, address):
        import websocket

        self._socket = websocket.create_connection(address, timeout=60)
        self._number, self._session = 0, None
        self.events = []
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        attached = self.do("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")

    def close(self):
        """Leave the browser."""
        self._socket.close()

    def do(self, method, **parameters):
        """Send a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while (answer := json.loads(self._socket.recv())).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def show(self, width, height=900, *, dark=False, scripts=True):
        """Set what the page is shown on."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", features=[scheme])
        self.do("Emulation.setScriptExecutionDisabled", value=not scripts)

    def open(self, address):
        """Load a page; return after how many seconds it was there."""
        self.events.clear()
        begin = time.perf_counter()
        self.do("Page.navigate", url=address)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self._socket.recv()))
        return time.perf_counter() - begin

    def ask(self, expression):
        """Evaluate an expression in the page and return its value."""
        found = self.do(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def picture(self, path, *, whole=True):
        """Write what is shown to a file."""
        shot = self.do("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))
