"""The front-end parts of others in coordination/static/vendor, and the lock that names each file's hash.

    python .ci/vendor.py check    fail when a vendored file differs from the lock or is not in it; no network
    python .ci/vendor.py update   fetch the wanted versions with npm and write the lock (maintainers only)

Files are taken as published, but for the pointer to a source map that is not shipped: hashed static
files refuse a reference to a missing file. htmx is not here: it comes with the django-htmx package.
"""

import base64
import fnmatch
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "coordination" / "static" / "vendor"
LOCK = VENDOR / "vendor.lock.json"

# For each package: the version, and which of its files go where.
WANTED: dict[str, dict[str, Any]] = {
    "leaflet": {
        "version": "1.9.4",
        "files": {
            "dist/leaflet.js": "leaflet/",
            "dist/leaflet.css": "leaflet/",
            "dist/images/*.png": "leaflet/images/",
            "LICENSE": "leaflet/",
        },
    },
}

SOURCE_MAP = re.compile(rb"\s*//# sourceMappingURL=\S+\s*\Z")


def digest(content: bytes) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()


def update() -> int:
    lock = {}
    for name, wanted in WANTED.items():
        with tempfile.TemporaryDirectory() as folder:
            package = f"{name}@{wanted['version']}"
            packed = subprocess.run(
                ["npm", "pack", "--json", "--ignore-scripts", package],
                cwd=folder, check=True, capture_output=True, text=True,
            )  # fmt: skip
            [about] = json.loads(packed.stdout)
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                files = _copy(archive, wanted["files"])
                manifest = json.loads(_content(archive, "package/package.json"))
        lock[name] = {
            "version": wanted["version"],
            "licence": manifest["license"],
            "integrity": about["integrity"],
            "files": files,
        }
    LOCK.write_text(json.dumps(lock, indent=2, sort_keys=True) + "\n")
    return check()


def _copy(archive: tarfile.TarFile, wanted: dict[str, str]) -> dict[str, str]:
    copied = {}
    for member in archive.getmembers():
        path = member.name.partition("/")[2]
        for pattern, folder in wanted.items():
            if member.isfile() and fnmatch.fnmatch(path, pattern):
                target = VENDOR / folder / Path(path).name
                target.parent.mkdir(parents=True, exist_ok=True)
                content = SOURCE_MAP.sub(b"\n", _content(archive, member.name))
                target.write_bytes(content)
                copied[str(target.relative_to(VENDOR))] = digest(content)
    return copied


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None, f"{name} is no file"
    return file.read()


def check() -> int:
    lock = json.loads(LOCK.read_text())
    locked = {file: hashed for package in lock.values() for file, hashed in package["files"].items()}
    present = {
        str(path.relative_to(VENDOR)): digest(path.read_bytes())
        for path in VENDOR.rglob("*")
        if path.is_file() and path != LOCK
    }
    complaints = [
        f"{name}: version {lock[name]['version']} is locked, {wanted['version']} is wanted"
        for name, wanted in WANTED.items()
        if lock[name]["version"] != wanted["version"]
    ]
    complaints += [f"{file}: missing" for file in locked.keys() - present.keys()]
    complaints += [f"{file}: not in the lock" for file in present.keys() - locked.keys()]
    complaints += [
        f"{file}: changed" for file in locked.keys() & present.keys() if locked[file] != present[file]
    ]
    print("\n".join(complaints) or f"vendored: {len(locked)} files as locked")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit({"update": update, "check": check}[sys.argv[1]]())
