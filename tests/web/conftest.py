"""Web tests run against the whole service."""

from tests.support.service import service

__all__ = ["service"]
