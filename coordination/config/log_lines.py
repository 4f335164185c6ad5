"""One log line an event, in `key=value` pairs, so that both a person and a program can read it."""

import json
import logging


class KeyValueFormatter(logging.Formatter):
    """Formats `at=… level=… logger=… said="…"`; a traceback becomes one quoted value on the same line."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        pairs = [
            f"at={self.formatTime(record)}",
            f"level={record.levelname.lower()}",
            f"logger={record.name}",
            f"said={json.dumps(record.getMessage(), ensure_ascii=False)}",
        ]
        if record.exc_info:
            pairs.append(f"trace={json.dumps(self.formatException(record.exc_info), ensure_ascii=False)}")
        return " ".join(pairs)
