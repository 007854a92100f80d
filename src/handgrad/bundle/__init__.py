"""The one file: a network with all that it takes to give the same answer everywhere."""

from handgrad.bundle.file import Bundle, about_model, load_model, read_bundle, save_model
from handgrad.bundle.golden import Golden

__all__ = ["Bundle", "Golden", "about_model", "load_model", "read_bundle", "save_model"]
