"""The channels that the documentation shows: each makes a channel as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coordination import channels
from coordination.config import environment

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [
    pytest.param(example, id=f"{page.name} {number}")
    for page in sorted(ROOT.glob("docs/*.md"))
    for number, example in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL), 1)
    if "[[channel]]" in example
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_makes_a_channel(example, tmp_path, settings):
    file = tmp_path / "channels.toml"
    file.write_text(example)
    secrets = dict.fromkeys(re.findall(r'"env:(\w+)"', example), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    settings.MUSTER_MODE = "live"
    settings.MUSTER_CHANNELS = environment.channels_file(str(file), secrets)
    assert channels.installed()
    assert channels.wrong_options() == []


def test_there_are_examples():
    assert EXAMPLES
