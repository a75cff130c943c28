"""How Sphinx makes pages of these documents: `sphinx-build -W -E -b html docs build/docs`."""

from bitget_margin.version import __version__

project = "bitget-margin"
author = "The bitget-margin developers"
project_copyright = f"2026, {author}"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["pictures"]
# Nothing matches where every page is named in index.md.
suppress_warnings = ["toc.empty_glob"]

html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["custom.css"]
html_theme_options = {"source_edit_link": "", "source_view_link": ""}

# The anchors that code hosts give to headings.
myst_heading_anchors = 3

# Of a console, the button copies the commands alone; of a block without a prompt, all of it.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"

# What docstrings put between single backticks is code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
