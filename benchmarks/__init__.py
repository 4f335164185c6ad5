"""Measurements, run by hand and never asserted: `python -m benchmarks.NAME`.

Importing the package sets Django up on a scratch database: a new SQLite file, or DATABASE_URL when that is
set, which is then filled and must be one to throw away.
"""

import os
import tempfile

import django

SCRATCH = tempfile.TemporaryDirectory(prefix="muster-benchmark-")
os.environ.setdefault("MUSTER_DATA_DIR", SCRATCH.name)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")
django.setup()
