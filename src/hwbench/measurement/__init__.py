"""From a request to a `Run`: plan the cases, measure them in interleaved groups, save after each group."""
