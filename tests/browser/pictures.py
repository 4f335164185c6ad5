"""Pictures of pages for people to look at: written only where MUSTER_PICTURES names a folder."""

import os
from pathlib import Path

from playwright.sync_api import Page


def take(page: Page, name: str, *, whole: bool = False) -> None:
    if folder := os.environ.get("MUSTER_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=whole)
