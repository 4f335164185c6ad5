# Sourced by ./run and ./test: `LOCK=requirements.lock; . ./bootstrap.sh` leaves the environment's python in $PY.
#
# Wants nothing but a POSIX shell and Python 3.11-3.13. What is missing is installed with apt when
# we are root; otherwise the one line to type is printed.
ROOT=$(pwd)
VENV=${VENV:-$ROOT/.venv}
PY=$VENV/bin/python
# Some images forbid compiled modules; each start would then compile two thousand of them, for five seconds.
unset PYTHONDONTWRITEBYTECODE

say() { printf '>> %s\n' "$*" >&2; }

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

# apt_install PACKAGE... : install, or say what to type and fail.
apt_install() {
    if can_apt; then
        say "installing with apt: $*"
        { apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null
    else
        say "请先执行 / please run once:  sudo apt-get install -y --no-install-recommends $*"
        return 1
    fi
}

find_python() {
    for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

make_venv() {
    base=$(find_python) || {
        say "需要 Python 3.11、3.12 或 3.13 / Python 3.11, 3.12 or 3.13 is needed"
        apt_install python3 python3-venv || return 1
        base=$(find_python) || { say "这套系统的 python3 太旧 / this system's python3 is too old"; return 1; }
    }
    if ! "$base" -c 'import ensurepip, venv' 2>/dev/null; then
        apt_install "$("$base" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" || return 1
    fi
    say "creating the environment in $VENV"
    rm -rf "$VENV"
    "$base" -m venv "$VENV"
}

# stamp LOCK : what the environment holds once LOCK is installed in it.
stamp() {
    cat "$1" uv.lock.txt | "$PY" -c 'import hashlib, sys
print(sys.version.split()[0], hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'
}

install_lock() {
    wanted=$(stamp "$LOCK")
    if grep -qxF "$wanted" "$VENV/.installed" 2>/dev/null; then return 0; fi
    say "installing the locked packages of $LOCK"
    if "$PY" -m pip install -q --disable-pip-version-check --require-hashes -r uv.lock.txt >&2 &&
        "$VENV/bin/uv" pip install -q --python "$PY" --require-hashes -r uv.lock.txt -r "$LOCK" >&2; then
        :
    else
        say "uv could not; trying pip, which is slower"
        "$PY" -m pip install -q --disable-pip-version-check --require-hashes -r "$LOCK" >&2 || return 1
    fi
    # The development set contains the running set, so ./run after ./test has nothing to install.
    for lock in requirements.lock "$LOCK"; do stamp "$lock"; done >"$VENV/.installed"
}

if ! "$PY" -c '' 2>/dev/null; then make_venv || exit 1; fi
install_lock || exit 1
