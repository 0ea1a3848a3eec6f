#!/usr/bin/env bash
# Measures BASE and HEAD in turn, ROUNDS times, on this machine, so that what disturbs it meets both alike.
#
# asv: adds to the results that asv.conf.json names. pytest: writes $RUNNER_TEMP/results/base/*.json and …/head/*.json;
# SETUP makes the environment of a side, COMMAND runs its benchmarks. $RUNNER_TEMP/sides tells compare.sh where both are.
set -euo pipefail

fork=$(git merge-base "$BASE" "$HEAD")   # without what the base got since
head=$(git rev-parse "$HEAD")
results="$RUNNER_TEMP/results"

if [ "$HARNESS" = asv ]; then
  asv machine --yes
  printf '%s\n%s\n' "$fork" "$head" > "$RUNNER_TEMP/commits"
  for _ in $(seq "$ROUNDS"); do
    asv run --append-samples --interleave-rounds "HASHFILE:$RUNNER_TEMP/commits" || test $? = 2
  done
  folder=$(python -c 'import asv.config; print(asv.config.Config.load().results_dir)')
  printf 'asv:%s\nasv:%s\n%s\n' "$fork" "$head" "$folder" > "$RUNNER_TEMP/sides"
  exit
fi

for side in base head; do
  commit=$([ "$side" = base ] && echo "$fork" || echo "$head")
  git worktree add --quiet --detach "$RUNNER_TEMP/$side" "$commit"
  mkdir -p "$results/$side"
  export PYTHON="$RUNNER_TEMP/env-$side/bin/python"
  python -m venv "$RUNNER_TEMP/env-$side"
  (cd "$RUNNER_TEMP/$side" && bash -euc "$SETUP")
done
for round in $(seq "$ROUNDS"); do
  sides=$([ $((round % 2)) = 1 ] && echo base head || echo head base)
  for side in $sides; do
    export PYTHON="$RUNNER_TEMP/env-$side/bin/python"
    # pytest's exit code 1 is a benchmark that fails, which compare.sh reports.
    (cd "$RUNNER_TEMP/$side" && bash -euc "$COMMAND --benchmark-json=$results/$side/$round.json") || test $? = 1
  done
done
printf '%s\n%s\n\n' "$results/base" "$results/head" > "$RUNNER_TEMP/sides"
