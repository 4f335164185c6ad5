import os
import sys

from django.core.asgi import get_asgi_application

from ground.request_size import limited

from .environment import SettingsProblem

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")

try:
    application = limited(get_asgi_application())
except SettingsProblem as problem:
    sys.exit(str(problem))
