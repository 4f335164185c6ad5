#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line
from django.db import DatabaseError, DataError, IntegrityError

from coordination.config.environment import SettingsProblem

NO_DATABASE = (
    "数据库用不了。请检查 DATABASE_URL（没有设时是 MUSTER_DATA_DIR 里的 muster.sqlite3）和数据库是否在运行；"
    "新的数据库先运行 manage.py migrate。\n"
    "The database cannot be used. Check DATABASE_URL (without it, muster.sqlite3 in MUSTER_DATA_DIR) and that "
    "the server runs; a new database needs manage.py migrate first."
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")
    try:
        # Django keeps a settings error back until a command needs them; we want it first and in words.
        import coordination.config.settings  # noqa: F401

        execute_from_command_line(sys.argv)
    except SettingsProblem as problem:
        print(problem, file=sys.stderr)
        sys.exit(2)
    except DatabaseError as problem:
        # What was written was refused: that is our mistake, and the traceback is wanted.
        if isinstance(problem, IntegrityError | DataError) or "--traceback" in sys.argv:
            raise
        print(f"{NO_DATABASE}\n{str(problem).strip()}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
