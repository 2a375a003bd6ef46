"""A browser without a window for tests of pages: Chromium over its own pipe, no driver and no network.

with Browser() as browser:
    page = browser.open(path)
    page.click("#all")
    assert page.evaluate("document.title") == "..."
    page.screenshot(path.with_suffix(".png"))
    assert page.errors == []
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from needs import TOOLS, program, require

#: Nothing of a profile, and no word to anybody: every name is unknown, every address but files is refused.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=127.0.0.1:9",
    "--remote-debugging-pipe",
)
#: Seconds after which a browser that says nothing is taken to hang.
PATIENCE = 60.0


def find_browser() -> str:
    """The browser's program; without one, a skip."""
    require("browser")
    return str(program(*TOOLS["browser"].programs))


class Browser:
    """A browser process; pages are its tabs. Use it as a context."""

    def __init__(self) -> None:
        program = find_browser()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        heard, self._out = os.pipe()
        self._in, said = os.pipe()

        def pipes() -> (
            None
        ):  # the browser reads from 3 and writes to 4; the copies keep dup2 from closing what it still needs
            high = [os.dup(heard), os.dup(said)]
            high = [os.dup2(fd, 50 + index) for index, fd in enumerate(high)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self._folder.name}", "about:blank"],
            close_fds=False,
            preexec_fn=pipes,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(heard)
        os.close(said)
        self._buffer = b""
        self._count = 0
        self._pages: dict[str, Page] = {}

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self.call("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._out)
        os.close(self._in)
        self._folder.cleanup()

    def open(self, path: Path, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        """A tab with a file in it, once it has loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.resize(width, height)
        page.dark(dark)
        page.call("Page.navigate", url=path.resolve().as_uri())
        page.wait("document.readyState === 'complete' && location.protocol === 'file:'")
        return page

    def call(self, method: str, session: str | None = None, **arguments: Any) -> dict[str, Any]:
        """A command of the DevTools protocol and its answer; what happens meanwhile is noted by the pages."""
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": arguments} | ({"sessionId": session} if session else {})
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == number:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']['message']}")
                return found["result"]
            if page := self._pages.get(found.get("sessionId", "")):
                page.note(found)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            read = os.read(self._in, 1 << 20)
            if not read:
                raise RuntimeError(f"the browser ended with status {self._process.wait()}")
            self._buffer += read
        text, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(text)


class Page:
    """A tab.

    Attributes:
        errors: what the console called errors and warnings, and exceptions that nobody caught.
        requests: addresses that the page asked for, its own file aside.

    """

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser, self.session = browser, session
        self.errors: list[str] = []
        self.requests: list[str] = []

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """A command of the DevTools protocol to this tab."""
        return self.browser.call(method, self.session, **arguments)

    def note(self, event: dict[str, Any]) -> None:
        """Take notice of what happened in the tab."""
        about, method = event.get("params", {}), event.get("method")
        if method == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(each.get("value", each.get("description", ""))) for each in about["args"]))
        elif method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent" and about["type"] != "Document":
            self.requests.append(about["request"]["url"])

    def evaluate(self, script: str) -> Any:
        """The value of an expression, or of the promise that it is, as JSON has it.

        Raises:
            RuntimeError: the expression raised.

        """
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return found["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{condition} did not become true; errors: {self.errors}")
            time.sleep(0.02)

    def click(self, selector: str, count: int = 1) -> None:
        """Press the mouse in the middle of the first element that a CSS selector finds; twice for a double click."""
        quoted = json.dumps(selector)
        self.evaluate(f"document.querySelector({quoted}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y = self.evaluate(
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])(document.querySelector({quoted}).getBoundingClientRect())"
        )
        for number in range(1, count + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=number)

    def hover(self, x: float, y: float) -> None:
        """Move the mouse to a place in the window."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def type(self, selector: str, text: str) -> None:
        """Write into a field, in place of what is there."""
        self.evaluate(
            f"(field => {{ field.focus(); field.select?.(); }})(document.querySelector({json.dumps(selector)}))"
        )
        self.call("Input.insertText", text=text)

    def choose(self, selector: str, words: str) -> None:
        """Choose the entry of a list that has these words."""
        self.evaluate(f"""(list => {{
            const entry = [...list.options].find(each => each.text === {json.dumps(words)});
            list.value = entry.value;
            list.dispatchEvent(new Event("change", {{bubbles: true}}));
        }})(document.querySelector({json.dumps(selector)}))""")

    def press(self, key: str) -> None:
        """Press a key, as ``Tab`` or ``Enter``."""
        text = {"Enter": "\r", " ": " "}.get(key)
        code = {"Enter": 13, "Tab": 9, " ": 32}.get(key, 0)
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **extra)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def dark(self, dark: bool) -> None:
        """Prefer dark colours, as a system does."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def pdf(self) -> bytes:
        """The page as it prints."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def screenshot(self, path: Path, whole: bool = False) -> Path:
        """A picture of the window, or of the whole page, as a .png file."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole, **self._clip(whole))["data"]
        path.write_bytes(base64.b64decode(data))
        return path

    def _clip(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}
