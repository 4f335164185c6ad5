"""What a template asks of somebody's rights."""

from __future__ import annotations

from django import template

from ground.access import Reach

register = template.Library()


@register.filter
def within(region: str | None, reach: Reach) -> bool:
    """Return whether a right holds in the region of this code: a name out of reach is shown without a link."""
    return reach.covers(region)
