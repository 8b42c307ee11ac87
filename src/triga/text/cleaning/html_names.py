"""What an element's attributes say of it: hidden, beside the text (navigation, notices, sharing …), or the main part.

Class names and ids are read as words, as people write them: ``post-share-buttons`` is about sharing because its last
word that is no mere box (``buttons``) is ``share``; ``has-sidebar`` and ``wy-nav-content`` are about something else.
"""

from __future__ import annotations

import functools
import re

__all__ = ["ASIDE", "HIDDEN", "IN_PAGE", "LINKED", "MAIN_PART", "verdict_of"]

HIDDEN, ASIDE, MAIN_PART = 1, 2, 3
"""Verdicts; 0 says nothing."""
LINKED, IN_PAGE = 1, 2
"""Verdicts of a link: it leads somewhere, it leads to its own page."""

MAX_NAME = 60
"""Characters of a class name or id above which it is not a name that somebody wrote."""
MAX_KEPT = 200
"""Characters of attributes up to which a verdict is kept for the next time."""
_HIDDEN = re.compile(
    r"(?:^|\s)hidden(?:[\s=/]|$)|aria-hidden\s*=\s*[\"']?true|display\s*:\s*none|visibility\s*:\s*hidden|"
    r"\b(?:sr-only|visually-?hidden|screen-reader(?:-text)?|mw-editsection)\b"
)
_NAMED = re.compile(r"\b(class|id|role)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ASIDE_WORDS = _words("""
    nav navbar navigation navi topnav sidenav menu menubar breadcrumb breadcrumbs crumb crumbs sidebar sphinxsidebar
    sidebarwrapper footer cookie cookies consent gdpr share shares sharing sharer social sharedaddy addthis related
    recommend recommended recommendation recommendations advert adverts advertisement advertising ad ads adsbygoogle
    sponsor sponsored promo promos popup modal newsletter subscribe subscription signup paywall pagination paginator
    pager toc skiplink skiplinks copyright toolbar search searchbox login navbox catlinks printfooter noprint tagcloud
    tags daohang guanggao fenxiang banquan contentinfo complementary
""")
_BOX_WORDS = _words("""
    list lists link links box bar wrap wrapper container section area block blocks item items inner outer widget
    button buttons banner notice overlay dialog form post posts article articles news top bottom left right side
    primary secondary header icons icon row col column group panel bg fixed sticky mobile desktop chapters
""")
_LAYOUT_WORDS = _words("has no with without is js show hide hidden toggle")
_ASIDE_NAMES = _words("""
    header site-header page-top top-header main-header global-header masthead topbar top-bar banner skip-link skip-nav
    mw-panel mw-head sitesub contentsub jump-to-nav prev-next post-navigation nav-links
""")


def verdict_of(attributes: str) -> int:
    """HIDDEN, ASIDE, MAIN_PART or 0, from a tag's attributes as they stand in the page."""
    return _known(attributes) if len(attributes) <= MAX_KEPT else _read(attributes)


def _read(attributes: str) -> int:
    if _HIDDEN.search(attributes):
        return HIDDEN
    for attribute, *values in _NAMED.findall(attributes):
        names = "".join(values)
        if attribute == "role" and names == "main":
            return MAIN_PART
        if any(map(_is_aside, names.split())):
            return ASIDE
    return 0


_known = functools.lru_cache(maxsize=4096)(_read)  # the pages of a site share most of their tags


def _is_aside(name: str) -> bool:
    if len(name) > MAX_NAME:
        return False
    if name.lower().replace("_", "-") in _ASIDE_NAMES:
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1] in _BOX_WORDS:
        words.pop()
    return bool(words) and words[-1] in _ASIDE_WORDS and words[0] not in _LAYOUT_WORDS
