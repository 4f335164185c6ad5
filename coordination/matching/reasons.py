"""One reason for or against a candidate.

Pure. The words are data beside the rules; which language is shown is decided by whoever renders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ground.laws import Law
from ground.terms import Words


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason about one candidate. `code` is stable and stored; one that `blocks` keeps out."""

    code: str
    words: Words
    blocks: bool = False
    law: Law | None = None

    def to_dict(self) -> dict[str, Any]:
        law = self.law.to_dict() if self.law else None
        return {"code": self.code, "words": self.words.to_dict(), "blocks": self.blocks, "law": law}
