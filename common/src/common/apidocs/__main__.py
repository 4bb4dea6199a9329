"""Writes all generated documents: `python -m common.apidocs .`."""

import sys
from pathlib import Path

from common.apidocs import asyncapi, nats, openapi

root = Path(sys.argv[1])
files = {
    **openapi.render_files(root / "docs" / "openapi"),
    **asyncapi.render_files(root / "docs" / "events"),
    **nats.render_files(root),
}
for path, content in files.items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
