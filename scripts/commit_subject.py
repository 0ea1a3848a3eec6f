"""Whether subjects of commits are imperative, and at most 72 characters long.

    python scripts/commit_subject.py .git/COMMIT_EDITMSG    # as pre-commit calls it
    git log --format=%s main.. | python scripts/commit_subject.py -

The first word is judged by its form: nouns pass, and a reader sees them. Exit code 1, with a line for each subject that
is wrong.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LONGEST = 72
# What git writes itself, or takes out again.
LEFT_ALONE = re.compile(r"(Merge |Revert \"|(fixup|squash|amend)! )")
_WORDS = """
a about after all also an and another any as at because before both but by docs each every few fewer for from how if in
into it its less many more most new no not of on one or other some such tests than that the their these this those three
to two what when where which while why with without
"""
NO_VERBS = frozenset(_WORDS.split())
ENDINGS = (
    # A third person ("Adds"); "Pass" and "Focus" are no such.
    (re.compile(r".{2,}(?<![siu])s"), frozenset({"alias", "bias", "canvas"})),
    (re.compile(r".{2,}ing"), frozenset({"bring", "ping", "ring", "sing", "spring", "string", "swing"})),
    (
        re.compile(r".{2,}ed"),
        frozenset({"embed", "exceed", "proceed", "feed", "need", "seed", "shed", "speed", "succeed"}),
    ),
)


def faults(subject: str) -> list[str]:
    """What is wrong with a subject; nothing of what git makes."""
    if LEFT_ALONE.match(subject):
        return []
    found = []
    if len(subject) > LONGEST:
        found.append(f"{len(subject)} characters, {LONGEST} at most")
    if subject.endswith("."):
        found.append("a full stop at its end")
    first = re.match(r"[^\s:]*", subject)[0]  # type: ignore[index]  # it matches anything
    if subject[len(first) : len(first) + 1] == ":":
        found.append(f"a prefix ({first}:): begin with the verb")
    elif not re.fullmatch(r"[A-Z][a-z]+(-[a-z]+)*", first) or _no_imperative(first.lower()):
        found.append(f"does not begin with a verb in the imperative ({first or 'nothing'}): Add, Keep, Say …")
    return found


def _no_imperative(word: str) -> bool:
    return word in NO_VERBS or any(form.fullmatch(word) and word not in verbs for form, verbs in ENDINGS)


def subject_of(message: str) -> str:
    """The subject of a message that somebody edits: its first line that is no comment."""
    lines = (line.rstrip() for line in message.partition("# ------------------------ >8")[0].splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


def main(given: list[str] | None = None) -> int:
    """Judge the message in a file, or each line of standard input."""
    arguments = sys.argv[1:] if given is None else given
    if len(arguments) != 1:
        print("one argument is needed: the file of a commit's message, or - for subjects by line", file=sys.stderr)
        return 2
    (source,) = arguments
    if source == "-":
        subjects = sys.stdin.read().splitlines()
    else:
        try:
            subjects = [subject_of(Path(source).read_text(encoding="utf-8"))]
        except OSError as error:
            print(f"{source}: {error.strerror}", file=sys.stderr)
            return 2
    wrong = [(subject, found) for subject in subjects if (found := faults(subject))]
    for subject, found in wrong:
        print(f"{subject or '(empty)'}\n  {'; '.join(found)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
