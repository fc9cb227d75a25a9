"""The site made of these pages: `sphinx-build --fail-on-warning --keep-going --builder html docs build/docs`.

The pages are plain Markdown that reads well on GitHub. What a site needs beyond that is made here: tables of
contents from the lists in index pages, and addresses on GitHub for links that leave this folder.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sphinx.domains.python import PythonDomain

from pytest_velo import __version__

REPOSITORY = "https://github.com/pytest-velo/pytest-velo"
DOCS = Path(__file__).parent

project = "pytest-velo"
author = "the pytest-velo developers"
copyright = author
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]
nitpicky = True
add_module_names = False
python_maximum_signature_line_length = 88

# Markdown: headings have the anchors that they have on GitHub.
myst_heading_anchors = 4
suppress_warnings = ["myst.strikethrough"]

# Docstrings: Google style; code in single backticks, as in Markdown.
default_role = "code"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# Names of others are links where their lists of names can be fetched; a build needs no network.
INTERSPHINX = "READTHEDOCS" in os.environ or "DOCS_INTERSPHINX" in os.environ
if INTERSPHINX:
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "pytest": ("https://docs.pytest.org/en/stable", None),
        "hypothesis": ("https://hypothesis.readthedocs.io/en/latest", None),
    }
# Of ours: names that stand in signatures and that nobody needs to know.
nitpick_ignore_regex = [
    ("py:class", r"pytest_velo\.(case_sets\.sets\.Cases|claims\.stored\.Baseline|replies\.Original)"),
    ("py:class", r"pytest_velo\.(report\.page\.path\.Path|sampling\.pending\.Pending|settings\.Endpoint)"),
    ("py:class", r"pytest_velo\.(scorers\.scorer\.(Scorer|T)|designing\.supplies\.T|stubs\.Stub)"),
    ("py:class", r"pytest_velo\.(elicit\.\w+\.\w+|runner\.frame\.Frame|case_sets\.sets\.CaseSet)"),
    ("py:class", r"pytest_velo\.covariates\.(EarlierRun|Learned|CovariateSource)"),
    ("py:class", r"pytest_velo\.truth\.LabelSource"),
    ("py:class", r"pytest_velo\.(claims\.questions\.(Ranking|EachCase)|searching\.search\.Search)"),
    ("py:class", r"pytest_velo\..*\b_\w+"),
    ("py:.*", r"(?!pytest_velo\b).*"),  # names of others: unknown without their lists
]

html_theme = "furo"
html_title = f"pytest-velo {version}"
html_theme_options = {
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "docs/",
}
copybutton_prompt_text = "$ "
copybutton_copy_empty_lines = False

_LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]+)(?=[)#])")
_LISTED = re.compile(r"^- \[[^\]]+\]\(([\w/-]+)\.md\)", re.MULTILINE)
_FENCE = re.compile(r"( *)```(\w*)")
_SEVERAL = re.compile(r"( +)(\w+(?:, \w+)+)(?=: [A-Z])")


def setup(app):
    """Prepare pages and docstrings as they are read."""
    app.connect("source-read", _prepare)
    app.connect("autodoc-process-docstring", _blocks, priority=400)  # before napoleon, at 500
    for field in PythonDomain.directives["class"].doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"  # as in the docstrings


def _prepare(app, name, source):
    """Make the lists of index pages tables of contents, and point links that leave the folder to GitHub."""
    text = source[0]
    if name.rpartition("/")[2] == "index":
        pages = "\n".join(_LISTED.findall(text))
        text += f"\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"

    def outside(link):
        place = Path(os.path.normpath((DOCS / name).parent / link[1]))
        if place.is_relative_to(DOCS):
            return link[1]
        return f"{REPOSITORY}/blob/main/{place.relative_to(DOCS.parent)}"

    source[0] = _LINK.sub(outside, text)


def _blocks(app, what, name, target, options, lines):
    """Turn fenced blocks of a docstring into reStructuredText, and `a, b: Text` into one name."""
    written, indent = [], None
    for line in lines:
        fence = _FENCE.fullmatch(line)
        if fence and indent is None:
            indent = fence[1]
            written += [f"{indent}.. code-block:: {fence[2] or 'text'}", ""]
        elif fence:
            indent = None
            written.append("")
        elif indent is not None:
            written.append(f"    {line}" if line.strip() else "")
        else:
            written.append(_SEVERAL.sub(lambda found: found[1] + found[2].replace(", ", ","), line))
    lines[:] = written
