"""Follow every link, anchor and picture of a site on disk, and find what its pages would fetch from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "srcset"}
BY_HAND = ("demo",)  # reports of hwbench: tests/browser opens such pages, and their links are within them
WITHIN = ("canonical", "prev", "next")  # rel of links that nobody fetches


class Page(HTMLParser):
    """The anchors of a page, and where it leads: each target with whether it is fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.targets: list[tuple[str, bool]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note ids, names, and what is linked to."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        for name in ("href", "src", "srcset"):
            if name in given and given.get("rel") not in WITHIN:
                self.targets.append((given[name], FETCHED.get(tag) == name))

    handle_startendtag = handle_starttag


def faults(site: Path) -> list[str]:
    """A line for each link that leads nowhere, and for each thing that would be fetched from another host."""
    files = [path for path in sorted(site.rglob("*.html")) if path.relative_to(site).parts[0] not in BY_HAND]
    pages = {path: Page(path.read_text("utf-8")) for path in files}
    return [line for path in files if path.name != "404.html" for line in _wrong(path, pages, site)]


def _wrong(path: Path, pages: dict[Path, Page], site: Path) -> Iterator[str]:
    for target, fetched in dict.fromkeys(pages[path].targets):
        url = urlsplit(target)
        here = path.relative_to(site)
        if url.scheme or url.netloc:
            if fetched and url.scheme != "data":
                yield f"{here}: fetches {target}"
            continue
        file = (path.parent / unquote(url.path)).resolve() if url.path else path
        if file.is_dir():
            file /= "index.html"
        if not file.is_file() or not file.is_relative_to(site.resolve()):
            yield f"{here}: {target} leads nowhere"
        elif file in pages and unquote(url.fragment) not in pages[file].anchors and target != "#":
            yield f"{here}: {target} has no such anchor"
