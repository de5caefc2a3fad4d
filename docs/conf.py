"""The settings of Sphinx: Markdown pages, and a reference drawn from the docstrings."""

from pymailer.__about__ import __version__

project = "pymailer"
author = "pymailer contributors"
copyright = author  # noqa: A001 - the name that Sphinx asks for
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"

autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
