"""The endpoints of the page: one module per view, each with a function `routes`."""

from types import ModuleType

from handgrad.web.routes import break_it, session, train

VIEWS: tuple[ModuleType, ...] = (session, train, break_it)
