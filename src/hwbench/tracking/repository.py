"""Names and subjects of commits, read by git without running anything that the repository configures.

asv's results may lie in somebody else's repository, whose configuration can make git start programs: a pager, a hook, a
file-system monitor, a verifier of signatures, a remote helper. So git reads only the user's current repository or one
that the user names, never the one around a file, and all of these are switched off.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

TIMEOUT_S = 20
HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
# Configuration given on the command line overrides that of the repository. What may start a program has no value here.
OVERRIDES = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.sshCommand=false",
    "core.alternateRefsCommand=true",
    "credential.helper=",
    "diff.external=",
    "gpg.openpgp.program=false",
    "gpg.program=false",
    "gpg.ssh.program=false",
    "gpg.x509.program=false",
    "log.showSignature=false",
    "log.mailmap=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",
    "uploadpack.packObjectsHook=",
)
ENVIRONMENT = {  # objects that a partial clone lacks are not fetched
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "GIT_ALLOW_PROTOCOL": "",
}


def subjects(names: Iterable[str], repository: Path) -> dict[str, str]:
    """The subjects of those hashes that the repository has, parents first; {} where it is none."""
    hashes = [name for name in names if HASH.fullmatch(name)]
    order = ("--ignore-missing", "--topo-order", "--reverse", "--no-show-signature", "--no-decorate")
    said = _git(repository, "log", *order, "--format=%H %s", "--stdin", given="\n".join(hashes) + "\n")
    wanted = set(hashes)
    pairs = (line.partition(" ") for line in said.splitlines())
    return {name: subject for name, _, subject in pairs if name in wanted}


def commit_of(name: str, repository: Path) -> str:
    """The hash of a branch, a tag or `HEAD~1` in the repository; "" where it has none."""
    if name.startswith("-"):
        return ""
    return _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()


def _git(repository: Path, *arguments: str, given: str = "") -> str:
    """What git prints; "" where it fails, is missing, or takes too long."""
    options = [word for override in OVERRIDES for word in ("-c", override)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "--no-pager", "-C", str(repository), *options, *arguments],  # noqa: S607
            input=given, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S, check=True,
            env=kept | ENVIRONMENT,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
