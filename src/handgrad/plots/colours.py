"""The colours, which the colour-blind can tell apart too.

They are those of M. Okabe and K. Ito 2008, "Color universal design".
"""

GREEN, VERMILION = "#009E73", "#D55E00"  # right, wrong
BLUE, ORANGE = "#0072B2", "#E69F00"  # training, validation
