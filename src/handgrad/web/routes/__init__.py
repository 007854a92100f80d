"""The endpoints of the page: one module per view, each with a function `routes`."""

from types import ModuleType

from handgrad.web.routes import compare, draw, evaluate, session

VIEWS: tuple[ModuleType, ...] = (session, draw, evaluate, compare)
