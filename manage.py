#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line

from coordination.config.environment import SettingsProblem


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")
    try:
        # Django keeps a settings error back until a command needs them; we want it first and in words.
        import coordination.config.settings  # noqa: F401

        execute_from_command_line(sys.argv)
    except SettingsProblem as problem:
        print(problem, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
