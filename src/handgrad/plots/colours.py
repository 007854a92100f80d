"""Colours that people with colour blindness can distinguish.

They are from M. Okabe and K. Ito 2008, "Color universal design". Green and vermilion, which are
used for text, are darker here than in the original palette, so that small text is legible on white.
"""

GREEN, VERMILION = "#007A59", "#B85100"  # correct, wrong
BLUE, ORANGE = "#0072B2", "#E69F00"  # training, validation
