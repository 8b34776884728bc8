"""Officers at a browser without JavaScript: they open forms, fill them in and send them."""

from html.parser import HTMLParser
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

URL = "http://127.0.0.1:8501"


class Form(HTMLParser):
    """The fields of the forms of a page as a browser would send them, by the form's address."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, list[str]]] = {}
        self._open: dict[str, list[str]] = {}
        self._select: str | None = None
        self._area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self._open = self.forms.setdefault(given.get("action") or "", {})
        elif tag == "input" and name and given.get("type") not in {"file", "checkbox"}:
            self._open.setdefault(name, []).append(value)
        elif tag == "input" and name and "checked" in given:
            self._open.setdefault(name, []).append(value or "on")
        elif tag == "select":
            self._select = name
            self._open.setdefault(name, [])
        elif tag == "option" and self._select and "selected" in given:
            self._open[self._select] = [value]
        elif tag == "textarea":
            self._area = name

    def handle_data(self, data: str) -> None:
        if self._area and data.strip():
            self._open.setdefault(self._area, []).append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None


class Clerk:
    """One officer, such as `500116/clerk`."""

    def __init__(self, client: TestClient, officer: str) -> None:
        self.client, self.bureau = client, officer[:6]
        client.headers["origin"] = URL
        answer = client.post("/acting", data={"officer": officer, "back": "/inbox"}, follow_redirects=False)
        assert answer.status_code == 303, answer.text

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def fill(self, path: str, files: Any = None, **given: Any) -> Response:
        """Open the form at a path, change what is given (`place__division` for `place.division`), send it."""
        action = path.partition("?")[0]
        fields = Form(self.get(path)).forms[action]
        for name, value in given.items():
            fields[name.replace("__", ".")] = value if isinstance(value, list) else [str(value)]
        return self.client.post(action, data=fields, files=files, follow_redirects=False)

    def does(self, path: str, files: Any = None, **given: Any) -> str:
        """As `fill`, and it is taken; the address that the page then leads to."""
        answer = self.fill(path, files, **given)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def offered(self, page: str, command: str) -> str:
        """The address behind a button of a page."""
        html = self.get(page)
        found = html.split(f'href="/forms/{command}?')
        assert len(found) > 1, f"{command} is not offered on {page}"
        return f"/forms/{command}?" + found[1].partition('"')[0].replace("&amp;", "&")
