"""A person at the pages: chooses who to be, fills in forms by labels, presses buttons by their names."""

import re

from playwright.sync_api import FilePayload, Frame, Locator, Page, Request, Response, expect

BUREAUS = {
    "500000": "中共重庆市委老干部局",
    "510000": "中共四川省委老干部局",
    "500153": "中共荣昌区委老干部局",
    "510300": "中共自贡市委老干部局",
    "500117": "中共合川区委老干部局",
    "511600": "中共广安市委老干部局",
    "512000": "中共资阳市委老干部局",
}
PUBLIC = re.compile("只含可公开内容")
PATIENCE = 30_000
"""Milliseconds: for a page, or for what another node recorded."""


class Wire:
    """What the page has asked for and not got yet; parts of pages are fetched without loading a page."""

    def __init__(self, page: Page) -> None:
        self._page, self._open, self._leaves = page, set[Request](), False
        page.on("request", self._asked)
        page.on("requestfinished", self._done)
        page.on("requestfailed", self._done)
        page.on("response", self._answered)
        page.on("framenavigated", self._arrived)

    def _asked(self, request: Request) -> None:
        self._open.add(request)

    def _done(self, request: Request) -> None:
        self._open.discard(request)

    def _answered(self, response: Response) -> None:
        """A part that was sent may be answered with another page's address."""
        self._leaves = self._leaves or "hx-redirect" in response.headers

    def _arrived(self, frame: Frame) -> None:
        self._leaves = self._leaves and frame != self._page.main_frame

    def rest(self) -> None:
        """Wait until two looks in a row find nothing under way."""
        quiet = 0
        while quiet < 2:  # the test's own time limit ends it
            self._page.wait_for_timeout(75)
            quiet = 0 if self._open or self._leaves else quiet + 1
        self._page.wait_for_load_state()


class Person:
    """Sits before one browser and any node."""

    def __init__(self, page: Page, home: str) -> None:
        self.page, self._home, self._wire = page, home, Wire(page)
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)

    @property
    def main(self) -> Locator:
        """What the page is about."""
        return self.page.locator("main")

    def act(self, bureau: str, role: str = "经办") -> None:
        """Become an officer; the switch leads to that bureau's node, to its inbox."""
        self.page.goto(f"{self._home}/acting")
        self.press(f"{BUREAUS[bureau]} {role}")
        expect(self.page.locator("h1")).to_have_text("待办")

    def press(self, name: str, beside: str = "") -> None:
        """Press a button, or follow a link, the first of that name, and wait for what follows.

        `beside`: only in an entry that says this.
        """
        self.button(name, beside).first.click()
        self._wire.rest()

    def button(self, name: str, beside: str = "") -> Locator:
        """Buttons, or links, of that name."""
        among = self.page.locator("main li, main .item, main tr").filter(has_text=beside)
        place: Page | Locator = among if beside else self.page
        link = place.get_by_role("link", name=name, exact=True)
        return link.or_(place.get_by_role("button", name=name, exact=True))

    def fill(self, **texts: str) -> None:
        """Fill fields of the form by their labels."""
        for label, text in texts.items():
            self.field(label).fill(text)

    def choose(self, label: str, option: str) -> None:
        """Choose in a list."""
        self.field(label).select_option(label=option)

    def check(self, *labels: str) -> None:
        """Tick boxes."""
        for label in labels:
            self.field(label).check()

    def field(self, label: str) -> Locator:
        """A control by its label, without what stands behind it in brackets."""
        named = re.compile(rf"^\s*{re.escape(label)}\s*(\s|（|\(|$)")
        return self.main.get_by_label(named).locator("visible=true").first

    def write(self, text: str) -> None:
        """Write an attachment's text in the form, and say that it is public."""
        self.field("直接填写").fill(text)
        self.say_public()

    def open(self, *sections: str) -> None:
        """Open folded parts of a form."""
        for section in sections:
            self.main.locator("summary", has_text=section).locator("visible=true").first.click()

    def attach(self, picture: bytes) -> None:
        """Choose a scan to be uploaded."""
        chosen: FilePayload = {"name": "扫描件.png", "mimeType": "image/png", "buffer": picture}
        self.field("上传文件").set_input_files(chosen)

    def say_public(self) -> None:
        """Tick that what is attached is public."""
        self.main.get_by_label(PUBLIC).locator("visible=true").first.check()

    def sees(self, *texts: str) -> None:
        """The page says all this, now or within a moment."""
        for text in texts:
            expect(self.main).to_contain_text(text)

    def waits_for(self, text: str) -> None:
        """Look again until the page says it: what another node recorded is on its way."""
        for _ in range(PATIENCE // 250):
            if text in self.main.inner_text():
                return
            self.page.wait_for_timeout(150)
            self.page.reload()
        self.sees(text)
