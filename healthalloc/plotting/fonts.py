"""Fonts with Chinese glyphs for matplotlib."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from healthalloc.errors import UnsupportedError

PREFERRED = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
    "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "Heiti SC", "STHeiti", "SimHei",
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Noto Sans CJK JP", "Noto Sans CJK TC",
    "Noto Serif CJK SC", "Noto Serif CJK JP", "Songti SC", "STSong", "SimSun", "KaiTi",
    "AR PL UMing CN", "AR PL UKai CN", "Arial Unicode MS", "Droid Sans Fallback",
)  # fmt: skip
"""Families with Chinese glyphs, sans serif and simplified first."""
_PROBE = "床位规划居民"
_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


def has_chinese(texts: Iterable[str]) -> bool:
    """Whether any text has a character that needs a Chinese font."""
    return any(_CHINESE.search(text) for text in texts)


@cache
def chinese_family() -> str | None:
    """The family of an installed font that draws Chinese, or None.

    matplotlib's own list of fonts is asked first, then the system is searched anew, since that
    list is kept between runs and may be older than a font just installed.
    """
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    entries = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist}
    if not any(name in entries for name in PREFERRED):
        for path in font_manager.findSystemFonts():
            if path not in entries.values():
                try:
                    font_manager.fontManager.addfont(path)
                except (RuntimeError, OSError):
                    continue  # a file that is no font
        entries = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist}
    for name in PREFERRED:
        if name in entries:
            known = FT2Font(entries[name]).get_charmap()
            if all(ord(character) in known for character in _PROBE):
                return name
    return None


def families(texts: Iterable[str]) -> list[str]:
    """Font families for some texts, Latin glyphs first.

    Raises
    ------
    UnsupportedError
        If a text is Chinese and no font for it is installed.
    """
    if not has_chinese(texts):
        return ["DejaVu Sans"]
    family = chinese_family()
    if family is None:
        raise UnsupportedError(
            "no font with Chinese glyphs is installed, and names would show as boxes: install "
            "one (Debian and Ubuntu: apt install fonts-noto-cjk; Fedora: dnf install "
            "google-noto-sans-cjk-fonts; Windows and macOS have one), then draw again"
        )
    return ["DejaVu Sans", family]
