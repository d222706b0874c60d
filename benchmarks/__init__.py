"""Speed of kamsim, as ratios measured in one run; ``make bench``."""
