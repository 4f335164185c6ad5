"""What the OpenAPI document says beyond what it finds in the views: that every error is a problem."""

from __future__ import annotations

from typing import Any

from coordination.api.problems import MEDIA_TYPE

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `type` is stable; the sentences are in the language of Accept-Language (zh, en).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "example": "urn:muster:problem:unusable"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "problem", "suggestion"],
                "properties": {
                    "field": {"type": "string", "example": "requirements[0].seats"},
                    "problem": {"type": "string"},
                    "suggestion": {"type": "string"},
                },
            },
        },
    },
}


def problems_everywhere(result: dict[str, Any], **generator: Any) -> dict[str, Any]:
    """Give every operation its error answer; drf-spectacular calls this (`POSTPROCESSING_HOOKS`)."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {"description": "A problem.", "content": content}
    return result
