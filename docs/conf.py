"""The docs site: ``sphinx-build -W docs build/site``.

Pages are the Markdown files of this folder, in the order of ``_toc.yml``; the Python reference is
made from the docstrings. The site asks no network for anything, and its search works from a disk.
"""

from __future__ import annotations

import re

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.search import languages
from sphinx.search.en import SearchEnglish

import healthalloc
from healthalloc import access, siting

project = "healthalloc"
version = release = healthalloc.__version__
author = "healthalloc developers"
project_copyright = "healthalloc developers, MIT licence"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_external_toc",
]

myst_heading_anchors = 4  # headings are linked as GitHub links them
default_role = "autolink"  # `name` in a docstring leads to what it names, where that has a page
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
python_maximum_signature_line_length = 80
templates_path = ["_templates"]

# A class and a function whose names differ only in case would share a file on some disks.
autosummary_filename_map = {
    f"{module.__name__}.{name}": f"{module.__name__}.{name}-class"
    for module in (healthalloc, siting, access)
    for name in module.__all__
    if name != name.lower() and name.lower() in module.__all__
}

# autosummary nests the pages of the names under its own; the rest stands in _toc.yml
suppress_warnings = ["etoc.toctree"]

html_theme = "furo"
html_title = f"healthalloc {release}"
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # browsers refuse to fetch the pages of a disk


class SearchBoth(SearchEnglish):
    """Finds English words and, two characters or more, Chinese ones."""

    def split(self, text: str) -> list[str]:
        """Words of a text, and every two neighbours of Chinese text, which has no blanks."""
        runs = re.findall(r"[\u4e00-\u9fff]{2,}", text)
        return super().split(text) + [run[k : k + 2] for run in runs for k in range(len(run) - 1)]


def setup(app: Sphinx) -> None:
    """Search in both languages, and CSV as it is: Pygments has no words for it."""
    languages["en"] = SearchBoth
    app.add_lexer("csv", TextLexer)
