"""How Sphinx builds the documentation. `make docs` builds it with the gallery, `make check` without."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "_extensions")]
os.environ.setdefault("MPLBACKEND", "Agg")

from jaxdigits import __version__  # noqa: E402 - found only now

project = "jaxdigits"
author = "The jaxdigits developers"
project_copyright = author
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "contract",
    "mathml",
    "notebooks",
    "results",
]
exclude_patterns = ["_build", "_templates", "examples", "**/README.md"]
templates_path = ["_templates"]
source_suffix = {".rst": "restructuredtext"}
suppress_warnings = [
    "myst.header",  # a part of a Markdown page may begin with a heading of the second level
    "myst.xref_missing",  # links of CONTRIBUTING.md and CHANGELOG.md lead to files of the repository
    "config.cache",  # functions in sphinx_gallery_conf cannot be cached: nothing is lost
]
default_role = "code"  # single backticks in docstrings are code

# ---- the reference ----

autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = False
autodoc_typehints = "none"  # numpydoc's sections say what a parameter is, shapes included
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"  # the column beside the page is narrow
numpydoc_show_class_members = False  # the templates list them
numpydoc_xref_param_type = False
numpydoc_attributes_as_param_list = True

# ---- the gallery ----

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "ignore_pattern": r"__init__\.py",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("jaxdigits",),
    "within_subsection_order": "gallery_order.ByCourse",
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 0.5,
    "plot_gallery": "True",
    "abort_on_example_error": False,  # the build goes on and fails at its end, with all that broke
    "first_notebook_cell": (
        "# This cell installs jaxdigits from its clone, once: a notebook in docs/auto_examples finds the clone at\n"
        "# ../.. and one that has moved needs its path there.\n"
        "%pip install --quiet ../..\n"
        "%matplotlib inline"
    ),
}
warnings.filterwarnings("ignore", message=".*FigureCanvasAgg is non-interactive.*")

# ---- the pages ----

html_theme = "pydata_sphinx_theme"
html_title = f"jaxdigits {release}"
html_static_path = ["_static"]
html_css_files = ["jaxdigits.css"]
html_favicon = "_static/digit.svg"
html_logo = "_static/digit.svg"
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "mathml"
html_theme_options = {
    "logo": {"text": "jaxdigits", "alt_text": "jaxdigits: home"},
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "show_toc_level": 2,
    "show_prev_next": True,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "changelog": [], "design": [], "quickstart": []}
# Prompts and answers are shown, but not copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
