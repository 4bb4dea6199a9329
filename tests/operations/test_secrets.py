"""No tracked file contains a key, a token or a password."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRET_PATTERNS = {
    "a Stripe live key": r"\b[rs]k_live_[0-9A-Za-z]{10,}",
    "a Stripe test key": r"\b[rs]k_test_[0-9A-Za-z]{24,}",
    "a webhook secret": r"\bwhsec_[0-9A-Za-z]{24,}",
    "an AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[0-9A-Za-z]{36,}|\bgithub_pat_\w{40,}",
    "a Slack token": r"\bxox[abprs]-[0-9A-Za-z-]{10,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    "a JSON web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}",
    "a password in an address": r"\b(?:mongodb(?:\+srv)?|redis|nats|https?)://[^/\s:@{$<]+:[^/\s@{$<]{4,}@",
}
ANY_SECRET = re.compile("|".join(f"(?:{form})" for form in SECRET_PATTERNS.values()))
ALLOWED = frozenset({"tests/operations/test_secrets.py"})
"""Files with examples that are not secret."""


def tracked_files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split("\0") if name and name not in ALLOWED]


def test_tracked_files_contain_no_secret() -> None:
    found: list[str] = []
    for name in tracked_files():
        path = ROOT / name
        if not path.is_file() or path.stat().st_size > 2_000_000:
            continue
        text = path.read_text(errors="replace")
        found += [f"{name}: {match.group()[:12]}..." for match in ANY_SECRET.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_" + "4eC39HqLyjWDarjtT1",
        "whsec_" + "a1" * 16,
        "AKIA" + "IOSFODNN7EXAMPLE",
        "ghp_" + "a" * 36,
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "mongodb://admin:" + "hunter2@mongo/db",
    ],
)
def test_scan_detects_each_kind_of_secret(secret: str) -> None:
    assert ANY_SECRET.search(f"KEY={secret}")
