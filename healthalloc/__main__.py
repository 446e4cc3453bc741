"""``python -m healthalloc``."""

from healthalloc.cli import app

app(prog_name="healthalloc")
