"""How the guide is built: ``sphinx-build -W notebooks build/guide``. Notebooks are shown as they are; tests execute them."""

from evoml import __version__

project = "evoml"
copyright = "the evoml authors"
version = release = __version__

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["templates"]
html_theme = "furo"
html_title = f"evoml {__version__}"
pygments_style = "default"

nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

templates_path = ["templates"]
autosummary_generate = True
autosummary_ignore_module_all = False  # what a module names in ``__all__`` gets a page, wherever it is defined
autosummary_imported_members = True
autodoc_typehints = "none"  # docstrings say it, with shapes and units
numpydoc_show_class_members = False  # the template of a class's page does
numpydoc_xref_param_type = False

LIBRARY_METHODS = ("get_metadata_routing", "set_output", "_request")  # that scikit-learn adds to every estimator


def _skipped(app: object, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Leave out the methods that scikit-learn makes for every estimator."""
    return True if name.endswith(LIBRARY_METHODS) else None


def setup(app):
    app.connect("autodoc-skip-member", _skipped)
