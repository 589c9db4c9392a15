"""The figures of the README, measured on servers of their own and printed as ratios of one run: `make bench`."""
