"""The endpoints of the page: one module per view, each with a function `routes`."""

from types import ModuleType

from handgrad.web.routes import break_it, compare, draw, evaluate, inside, session, train

VIEWS: tuple[ModuleType, ...] = (session, draw, train, break_it, inside, evaluate, compare)
