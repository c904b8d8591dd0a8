"""The lab's own page in a browser, and what is played to it."""

import json
import time
from typing import Any

from stack.wait import wait_until
from tests import page_story
from tests.browser import Browser
from tests.page_server import Player


class Shown:
    """The page, opened by a browser, and what is played to it."""

    def __init__(self, browser: Browser, player: Player) -> None:
        self.browser = browser
        self.player = player
        self.begun = time.time()

    def __call__(self, expression: str) -> Any:
        return self.browser.evaluate(expression)

    def text(self, selector: str) -> Any:
        return self(f"document.querySelector({selector!r})?.textContent")

    def until(self, expression: str, *, seconds: float = 60) -> None:
        wait_until(
            lambda: self(expression) is True, seconds=seconds, reason=expression, hint="look at the page"
        )

    def sample(self, **changes: Any) -> None:
        at = time.time()
        self.player.send("sample", page_story.sample(at, 900 + at - self.begun, **changes))

    def open(self) -> None:
        """Open it, and wait until it shows something live."""
        self.browser.open(f"{self.player.url}/")
        # The greeting may still be on its way.
        lab = json.dumps(self.player.greeting["lab"])
        self.until(f"document.getElementById('lab').textContent === {lab}")
        self.live()

    def live(self, **changes: Any) -> None:
        self.sample(**changes)
        self.until("document.getElementById('connection').textContent === 'live'")

    def write(self, product_id: str, state: str, **changes: Any) -> None:
        write = {"id": product_id, "version": 1, "state": state, "since": time.time()}
        self.sample(products=[write], **changes)
        self.until(f"document.querySelector('.token')?.dataset.state === '{state}'")

    def press(self, *keys: str) -> None:
        for key in keys:
            for kind in ("keyDown", "keyUp"):
                self.browser.call("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": key})
