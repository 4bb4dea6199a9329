"""Node and its command-line tools: from PATH, or from the wheel that contains them."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ticketing_local.stack import binaries

TOOLS_IN_WHEEL = Path("lib", "node_modules", "npm", "bin")


def tool(name: str, *arguments: str) -> list[str]:
    """Return the command that runs npm or npx."""
    node = binaries.find(binaries.NODE)
    script = node.parents[1] / TOOLS_IN_WHEEL / f"{name}-cli.js"
    if node.is_relative_to(binaries.TOOLS) and script.exists():
        return [str(node), str(script), *arguments]
    return [shutil.which(name) or name, *arguments]


def environment() -> Mapping[str, str]:
    """Return this process's environment, with Node in PATH for the scripts that it runs."""
    folder = str(binaries.find(binaries.NODE).parent)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
