#!/usr/bin/env bash
# Compares the two sides that measure.sh left: the table goes to the job's summary and to $RUNNER_TEMP/table.md. The outputs
# are `code`, 1 where something became worse, and `changed`, true where a benchmark became worse or
# better, failed, is new or is gone.
set -euo pipefail

{ read -r base; read -r new; read -r asv || true; } < "$RUNNER_TEMP/sides"
arguments=("$base" "$new" --threshold "$THRESHOLD" --fail-on "$FAIL_ON" ${asv:+--asv "$asv"})

code=0
hwbench compare "${arguments[@]}" --markdown > "$RUNNER_TEMP/table.md" || code=$?
cat "$RUNNER_TEMP/table.md" >> "$GITHUB_STEP_SUMMARY"
test "$code" -le 1   # 2: nothing could be compared
hwbench compare "${arguments[@]}" --json > "$RUNNER_TEMP/compared.json" || test $? = 1
changed=$(python -c '
import json, sys
counts = json.load(open(sys.argv[1]))["verdicts"]
print(str(any(counts.get(word) for word in ("slower", "faster", "failed", "new", "gone"))).lower())
' "$RUNNER_TEMP/compared.json")
printf 'code=%s\nchanged=%s\n' "$code" "$changed" >> "$GITHUB_OUTPUT"
