"""Sphinx's configuration; `make site` gathers the pages beside it first (scripts/site/build.py)."""

from fittingroom import __version__

project = "fittingroom"
author = "The fittingroom authors"
copyright = "2026, the fittingroom authors; MIT licence"  # noqa: A001 - Sphinx's own name
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # notebooks come with what they printed
suppress_warnings = ["myst.header"]  # pages that are printed by a command begin at any level

default_role = "py:obj"  # `load` in a docstring leads to fr.load
add_module_names = False
maximum_signature_line_length = 60
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = True

exclude_patterns = ["files/**"]  # what is linked to as it is

html_theme = "pydata_sphinx_theme"
html_title = f"fittingroom {release}"
html_favicon = "static/icon.svg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "fittingroom", "image_light": "static/icon.svg", "image_dark": "static/icon.svg"},
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "search_bar_text": "Search",
    "show_toc_level": 2,
    "show_nav_level": 1,
    "collapse_navigation": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {name: [] for name in ("index", "start", "gallery", "try-it", "walkthrough", "search")}
