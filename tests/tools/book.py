"""book.py FOLDER: the links of the built book lead to a page, and to a place on it, of the book; a page is in the table of
contents. Pages outside (https, mailto) are not asked."""

import html.parser
import pathlib
import sys
import urllib.parse

book = pathlib.Path(sys.argv[1])


class Page(html.parser.HTMLParser):
    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if found.get("id"):
            self.places.add(found["id"])
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])


pages = {
    path: Page(path) for path in sorted(book.rglob("*.html")) if path.name not in ("404.html", "print.html", "toc.html")
}
wrong = []
checked = 0
for path, page in pages.items():
    for link in page.links:
        parts = urllib.parse.urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        checked += 1
        target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
        if not target.exists():
            wrong.append(f"{path.name}: {link}: no such page")
        elif parts.fragment and target in pages and parts.fragment not in pages[target].places:
            wrong.append(f"{path.name}: {link}: no such place")
print(f"{len(pages)} pages, {checked} links")
if wrong or checked < 50:
    sys.exit("\n".join(["FAILED:", *wrong]))
