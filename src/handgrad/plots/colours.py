"""The colours, which the colour-blind can tell apart too.

They are those of M. Okabe and K. Ito 2008, "Color universal design"; green and vermilion, in
which words are written, are darker here, so that small words are legible on white.
"""

GREEN, VERMILION = "#007A59", "#B85100"  # right, wrong
BLUE, ORANGE = "#0072B2", "#E69F00"  # training, validation
