import os
import sys

from django.core.wsgi import get_wsgi_application

from .environment import SettingsProblem

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")

try:
    application = get_wsgi_application()
except SettingsProblem as problem:
    sys.exit(str(problem))
