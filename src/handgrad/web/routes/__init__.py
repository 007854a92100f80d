"""The endpoints of the page: one module per view, each with a function `routes`."""

from types import ModuleType

from handgrad.web.routes import draw, inside, session

VIEWS: tuple[ModuleType, ...] = (session, draw, inside)
