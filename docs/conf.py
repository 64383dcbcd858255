"""How Sphinx makes the site of these documents: `make docs`. Nothing here asks the network for anything."""

import sys
from pathlib import Path

from sphinx.errors import ConfigError

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

if not (DOCS / "tutorial.ipynb").is_file():
    raise ConfigError(f"{DOCS / 'tutorial.ipynb'} is missing: the site has the tutorial as one of its pages")

project = "Understudy"
author = "The Understudy authors"
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "docs.making.repository",
    "docs.making.references",
    "docs.making.mathml",
    "docs.making.flags",
    "docs.making.pictures",
]
exclude_patterns = ["programs", "**.ipynb_checkpoints"]
default_role = "literal"  # docstrings have Markdown's single backticks
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!understudy\.).*"),
    ("py:class", r"understudy\.(model|text)\..*|understudy\.generation\.stream\.(Plan|Writing)"),
]
"""What is not ours, or not public, has no page here: such types are named without a link."""

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autoclass_content = "class"
napoleon_numpy_docstring = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 60

html_theme = "furo"
pygments_dark_style = "a11y-dark"
highlight_language = "none"
smartquotes_action = "D"  # in docstrings a dash is --
html_title = "Understudy"
html_static_path = ["making/style.css"]
html_css_files = ["style.css"]
API = {"color-api-name": "var(--color-brand-content)", "color-api-pre-name": "var(--color-foreground-secondary)"}
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#245a8d", "color-brand-content": "#1f5f99", **API},
    "dark_css_variables": {"color-brand-primary": "#8ec1f0", "color-brand-content": "#8ec1f0", **API},
}
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_search_summary = False  # it would fetch pages, which a page from the disk may not
html_use_index = False
html_domain_indices = False
