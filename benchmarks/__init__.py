"""Speed and memory, measured by command and reported as medians and ratios; never in tests."""
