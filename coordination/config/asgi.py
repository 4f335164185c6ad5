"""The application as servers speak ASGI to it."""

import os
import sys

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import FileResponse, HttpRequest, HttpResponseBase

from .environment import SettingsProblem

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")


class Handler(ASGIHandler):
    """Django's own, but a call goes to its thread once and stays there until it has an answer.

    Django's goes back and forth between the loop and that thread for every middleware that could do without
    one, and for each of its hooks. Every time it has to wait until the other threads let it. A view that is
    asynchronous is still run in the loop, and the stream that it returns is read there.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await sync_to_async(self.get_response)(request)
        response._handler_class = self.__class__  # type: ignore[attr-defined]  # Django's own mark
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        return response


try:
    django.setup(set_prefix=False)
    application = Handler()
except SettingsProblem as problem:
    sys.exit(str(problem))
