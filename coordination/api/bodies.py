"""Reads the JSON of a call, and refuses what is no text before any rule has to ask what it means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class TextParser(JSONParser):
    """JSON of which every word can be written down again.

    `"\\ud800"` is valid JSON and yet half a character: no database and no answer can hold it. And a few
    thousand brackets are valid too, but nobody means them.
    """

    def parse(
        self,
        stream: BinaryIO,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return _writable(super().parse(stream, media_type, parser_context))
        except (RecursionError, UnicodeEncodeError) as wrong:
            raise ParseError from wrong


def read_json(text: str) -> Any:
    """Return what a JSON text says.

    :raises ValueError: if it is none, or says what cannot be written down.
    """
    try:
        return _writable(json.loads(text))
    except RecursionError as wrong:
        raise ValueError(text[:40]) from wrong


def _writable(said: Any) -> Any:
    json.dumps(said, ensure_ascii=False).encode()
    return said
