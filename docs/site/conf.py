"""Sphinx's configuration; `make site` gathers the pages beside it first (scripts/site/build.py)."""

import re
import sys

from fittingroom import __version__

ALONE = ("index", "start", "gallery", "try-it", "search")  # pages without anything beside them

project = "fittingroom"
author = "The fittingroom authors"
copyright = "2026, the fittingroom authors; MIT licence"  # noqa: A001 - Sphinx's own name
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # notebooks come with what they printed
suppress_warnings = ["myst.header"]  # pages that are printed by a command begin at any level

toc_object_entries = False
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
html_js_files = [("site.js", {"defer": "defer"})]
html_context = {"default_mode": "auto"}  # light and dark as the system has it
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
    "secondary_sidebar_items": {"**": ["page-toc"], **{name: [] for name in ALONE}},
}
html_sidebars = {name: [] for name in (*ALONE, "walkthrough")}


def with_values(_app, what, _name, thing, _options, signature, returns):
    """Show what a default is where the code has a constant's name for it: 'fashion-mnist' for DEFAULT_DATASET."""
    if what == "function" and signature:
        values = vars(sys.modules[thing.__module__])
        signature = re.sub(r"(?<==)[A-Z][A-Z_]+\b", lambda found: repr(values.get(found[0], found[0])), signature)
    return signature, returns


def for_screen_readers(_app, _page, _template, context, _doctree):
    """Mend what a screen reader would stumble over: empty headings of tables, signatures as lists without a term."""
    if "body" in context:
        body = re.sub(r"<th ([^>]*)>\s*(?:<p>\s*</p>)?\s*</th>", r"<td \1></td>", context["body"])
        context["body"] = re.sub(
            r'(<span class="sig-paren">\(</span>)\s*<dl>(.*?)</dl>', as_lines, body, flags=re.DOTALL
        )


def as_lines(found):
    """Write a signature's arguments as lines, which they are for the eye."""
    lines = found[2].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
    return f"{found[1]}{lines}"


def setup(app):
    """Tell Sphinx of them."""
    app.connect("autodoc-process-signature", with_values)
    app.connect("html-page-context", for_screen_readers)
