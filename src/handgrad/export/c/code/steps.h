/* Steps for all kinds of images: transparency, colour and size. */

/* Return the grey value of a colour, with the luma weights of ITU-R BT.601. */
static uint8_t hg_luma(const uint8_t *pixel) {
    return (uint8_t)((19595 * pixel[0] + 38470 * pixel[1] + 7471 * pixel[2] + 32768) / 65536);
}

/* Grayscale: convert colours to grey. */
static void hg_grayscale(hg_image *X) {
    if (X->channels == 1) return;
    for (int k = 0; k < X->height * X->width; k++) X->data[k] = hg_luma(X->data + 3 * k);
    X->channels = 1;
}

/* GrayToRGB: repeat the channel of a grey image three times. */
static void hg_gray_to_rgb(hg_image *X) {
    if (X->channels == 3) return;
    for (int k = X->height * X->width - 1; k >= 0; k--) {
        const uint8_t grey = X->data[k];
        for (int c = 0; c < 3; c++) X->data[3 * k + c] = grey;
    }
    X->channels = 3;
}

/* Invert: swap light and dark. */
static void hg_invert(hg_image *X) {
    for (int k = 0; k < hg_bytes(X); k++) X->data[k] = (uint8_t)(255 - X->data[k]);
}

/*
 * Return whether the visible pixels (alpha >= 128) are a sheet with ink on it, and not ink alone:
 * they fill three quarters of their bounding box, and 1 in 200 of them differs from their median
 * lightness by 64.
 */
static int hg_is_sheet(const uint8_t *raw, int height, int width, int channels) {
    int top = height, bottom = 0, left = width, right = 0;
    int32_t counts[256];
    int64_t n = 0, differs = 0;
    hg_clear_counts(counts);
    for (int i = 0; i < height; i++) {
        for (int j = 0; j < width; j++) {
            const uint8_t *const pixel = raw + (i * width + j) * channels;
            if (pixel[channels - 1] < 128) continue;
            counts[channels == 4 ? hg_luma(pixel) : pixel[0]]++;
            n++;
            top = hg_min(top, i);
            left = hg_min(left, j);
            right = hg_max(right, j + 1);
            bottom = i + 1;
        }
    }
    if (n == 0) return 0;
    const int median = hg_percentile_of_counts(counts, 50);
    for (int v = 0; v < 256; v++) if (hg_abs(v - median) >= 64) differs += counts[v];
    return 4 * n >= 3 * (int64_t)(bottom - top) * (right - left) && 200 * differs >= n;
}

/* Find the colour behind a transparent image that contrasts with its ink, one byte per colour. */
static void hg_contrast(const uint8_t *raw, int height, int width, int channels, int behind[3]) {
    const int C = channels - 1, pixels = height * width;
    if (hg_is_sheet(raw, height, width, channels)) {
        for (int c = 0; c < C; c++) {
            int32_t counts[256];
            hg_clear_counts(counts);
            for (int k = 0; k < pixels; k++) {
                if (raw[k * channels + C] >= 128) counts[raw[k * channels + c]]++;
            }
            behind[c] = hg_percentile_of_counts(counts, 50);
        }
        return;
    }
    int64_t ink = 0, alpha = 0;
    for (int k = 0; k < pixels; k++) {
        const uint8_t *const pixel = raw + k * channels;
        alpha += pixel[C];
        for (int c = 0; c < C; c++) ink += pixel[c] * pixel[C];
    }
    for (int c = 0; c < C; c++) behind[c] = 2 * ink <= 255 * C * alpha ? 255 : 0;
}

/*
 * CompositeAlpha: lay a raw image on a background b, which removes its alpha channel a:
 *
 *     floor((c a + b (255 - a) + 127) / 255)        for each colour c
 *
 * b is the given background, or -1 for the one that contrasts with the ink.
 */
static void hg_composite_alpha(
    const uint8_t *raw, int height, int width, int channels, int background, hg_image *X) {
    const int has_alpha = channels % 2 == 0, C = channels - has_alpha;
    int behind[3] = {background, background, background};
    if (has_alpha && background < 0) hg_contrast(raw, height, width, channels, behind);
    X->height = height;
    X->width = width;
    X->channels = C;
    for (int k = 0; k < height * width; k++) {
        const int a = has_alpha ? raw[k * channels + C] : 255;
        for (int c = 0; c < C; c++) {
            X->data[k * C + c] =
                (uint8_t)((raw[k * channels + c] * a + behind[c] * (255 - a) + 127) / 255);
        }
    }
}

/* Return whether line k of an image (a row, or a column) is equal to the line before. */
static int hg_is_same(const hg_image *X, int k, int is_row) {
    const int C = X->channels, row = X->width * C;
    const int step = is_row ? row : C, n = is_row ? row : X->height;
    for (int i = 0; i < n; i++) {
        for (int c = 0; c < (is_row ? 1 : C); c++) {
            const int at = k * step + (is_row ? i : i * row + c);
            if (X->data[at] != X->data[at - step]) return 0;
        }
    }
    return 1;
}

/* Write the lengths of the runs of equal lines, and return how many runs there are. */
static int hg_run_lengths(const hg_image *X, int is_row, int32_t *runs) {
    int count = 1;
    runs[0] = 1;
    for (int k = 1; k < (is_row ? X->height : X->width); k++) {
        if (hg_is_same(X, k, is_row)) runs[count - 1]++;
        else runs[count++] = 1;
    }
    return count;
}

/*
 * UndoUpscale: each block of equal pixels becomes a single pixel.
 *
 * The factor s / b is estimated from the lengths of the runs of equal rows and columns without the
 * first and the last run. Every length must be within a tolerance of a multiple of s / b.
 */
static void hg_undo_upscale(hg_preprocessing *w, hg_image *X) {
    int32_t *const runs[2] = {w->lines, w->lines + HG_ROWS};
    int counts[2];
    int64_t sum = 0, s = INT32_MAX, b = 1;
    for (int axis = 0; axis < 2; axis++) {
        counts[axis] = hg_run_lengths(X, axis == 0, runs[axis]);
        for (int k = 1; k < counts[axis] - 1; k++) {
            sum += runs[axis][k];
            if (runs[axis][k] < s) s = runs[axis][k];
        }
    }
    if (sum == 0 || s == 1) return;
    for (int pass = 0; pass < 2; pass++) {
        int64_t blocks = 0;
        for (int axis = 0; axis < 2; axis++) {
            for (int k = 1; k < counts[axis] - 1; k++) blocks += hg_round_div(runs[axis][k] * b, s);
        }
        b = blocks;
        s = sum;
    }
    const int64_t uneven = s >= 4 * b ? b : 0;
    for (int axis = 0; axis < 2; axis++) {
        for (int k = 1; k < counts[axis] - 1; k++) {
            const int64_t off = runs[axis][k] * b - s * hg_round_div(runs[axis][k] * b, s);
            if ((off < 0 ? -off : off) > uneven) return;
        }
    }
    const int C = X->channels;
    int height = 0, width = 0, i = -1, to = 0;
    for (int row = 0; row < counts[0]; row++) {
        i += runs[0][row];
        for (int64_t y = hg_max(1, (int)hg_round_div(runs[0][row] * b, s)); y > 0; y--) {
            int j = -1;
            height++;
            width = 0;
            for (int column = 0; column < counts[1]; column++) {
                j += runs[1][column];
                for (int64_t x = hg_max(1, (int)hg_round_div(runs[1][column] * b, s)); x > 0; x--) {
                    width++;
                    for (int c = 0; c < C; c++) {
                        w->spare[0][to++] = X->data[(i * X->width + j) * C + c];
                    }
                }
            }
        }
    }
    hg_take_spare(w, X, height, width, C);
}

/* Crop an image. */
static void hg_crop(hg_image *X, int top, int left, int height, int width) {
    const int C = X->channels, row = X->width * C;
    int to = 0;
    for (int i = 0; i < height; i++) {
        for (int j = 0; j < width * C; j++) X->data[to++] = X->data[(top + i) * row + left * C + j];
    }
    X->height = height;
    X->width = width;
}

/*
 * Denoise: average blocks of pixels in a noisy image, in which most pixels differ from their
 * neighbours. The longer side of the result has at least `side` pixels.
 */
static void hg_denoise(hg_preprocessing *w, hg_image *X, int side) {
    const int H = X->height, W = X->width, C = X->channels;
    const int block = hg_min(hg_max(H, W) / side, hg_min(H, W));
    int64_t equal = 0;
    if (block < 2) return;
    for (int i = 0; i < H; i++) {
        for (int at = i * W * C; at < ((i + 1) * W - 1) * C; at++) {
            if (X->data[at] == X->data[at + C]) equal++;
        }
    }
    if (2 * equal > (int64_t)H * (W - 1) * C) return;
    hg_crop(X, 0, 0, H / block * block, W / block * block);
    hg_filtered(w, X, HG_RESIZE, H / block, W / block);
}

/* Downscale: reduce a large image to `side` pixels on its longer side. */
static void hg_downscale(hg_preprocessing *w, hg_image *X, int side) {
    int height, width;
    if (hg_max(X->height, X->width) <= side) return;
    hg_fit(X, side, side, &height, &width);
    hg_filtered(w, X, HG_RESIZE, height, width);
}

/* Place an image on another one, at a position that may be outside; what is outside is cut off. */
static void hg_place(
    hg_preprocessing *w, hg_image *X, int height, int width, int top, int left, const uint8_t colour[3]) {
    const int C = X->channels;
    for (int i = 0; i < height; i++) {
        for (int j = 0; j < width; j++) {
            const int y = i - top, x = j - left;
            const int inside = y >= 0 && y < X->height && x >= 0 && x < X->width;
            for (int c = 0; c < C; c++) {
                w->spare[0][(i * width + j) * C + c] =
                    inside ? X->data[(y * X->width + x) * C + c] : colour[c];
            }
        }
    }
    hg_take_spare(w, X, height, width, C);
}

/* Resize with keep_aspect: the rest of the image gets the median colour of the edges. */
static void hg_resize_within(hg_preprocessing *w, hg_image *X, int height, int width) {
    uint8_t colour[3];
    int h, v;
    for (int c = 0; c < X->channels; c++) {
        int32_t counts[256];
        hg_count_edges(X, c, counts);
        colour[c] = (uint8_t)hg_percentile_of_counts(counts, 50);
    }
    hg_fit(X, height, width, &h, &v);
    hg_filtered(w, X, HG_RESIZE, h, v);
    hg_place(w, X, height, width, (height - h) / 2, (width - v) / 2, colour);
}
