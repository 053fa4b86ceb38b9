"""The table of baselines: suites of classifiers and their settings, each row fitted in a process of its own."""
