"""The layout and the units of an image's sampled augmentation parameters.

The kernels of the compiled engine import these constants too. This module imports nothing else
from the package, because a change to any module that it imports would recompile all kernels.
"""

VECTOR = 16  # rows are padded to a multiple of this length

HEAD = VECTOR  # the number of parameters of an image before those of the elastic distortion
# The columns of these parameters: the source of the centre, its change for half a pixel down and
# to the right, the erased rectangle, the change of stroke width, and the gain and offset of
# lightness.
Y, Y_BY_Y, Y_BY_X, X, X_BY_Y, X_BY_X, TOP, BOTTOM, LEFT, RIGHT, STROKE, GAIN, LIFT = range(13)
LIGHT = 255  # the lightness of a white pixel

PIXEL = 256  # positions are integers in units of 1/256 pixel
FINE = 16  # and the position of the centre, and steps, in units of 1/16 of that
