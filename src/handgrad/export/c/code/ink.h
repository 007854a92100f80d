/* Steps for grey images of ink on a background. Differences below 32 of 255 are not ink. */

/* Find the medians of the first row, the last row, the first column and the last column. */
static void hg_side_medians(const hg_image *X, int medians[4]) {
    const int H = X->height, W = X->width;
    medians[0] = hg_percentile(X->data, W, 1, 50);
    medians[1] = hg_percentile(X->data + (H - 1) * W, W, 1, 50);
    medians[2] = hg_percentile(X->data, H, W, 50);
    medians[3] = hg_percentile(X->data + W - 1, H, W, 50);
}

/* Return whether nine tenths of the pixels along the edges differ little from their median. */
static int hg_has_uniform_edges(const hg_image *X) {
    int32_t counts[256];
    int64_t uniform = 0;
    hg_count_edges(X, 0, counts);
    const int median = hg_percentile_of_counts(counts, 50);
    for (int v = 0; v < 256; v++) if (hg_abs(v - median) < 32) uniform += counts[v];
    return 10 * uniform >= 9 * 2 * (int64_t)(X->height + X->width);
}

/* Return the sum of the differences of the pixels from a background, and that of their amounts. */
static int64_t hg_differences(const hg_image *X, int background, int64_t *amount) {
    int64_t sum = 0;
    *amount = 0;
    for (int k = 0; k < X->height * X->width; k++) {
        const int difference = X->data[k] - background;
        if (hg_abs(difference) < 32) continue;
        sum += difference;
        *amount += hg_abs(difference);
    }
    return sum;
}

/* Return the sum of the differences of the ink from the background: it is negative for dark ink. */
static int64_t hg_ink_balance(const hg_image *X, int sheet) {
    const int H = X->height, W = X->width;
    int32_t counts[256];
    int medians[4];
    int64_t amount;
    hg_count_edges(X, 0, counts);
    const int edge = hg_percentile_of_counts(counts, 50);
    const int whole = hg_percentile(X->data, H * W, 1, 50);
    hg_side_medians(X, medians);
    if (sheet && hg_abs(whole - edge) >= 64) {
        int reaches = 0;
        for (int k = 0; k < 4; k++) if (hg_abs(medians[k] - whole) < 32) reaches = 1;
        if (reaches || hg_has_uniform_edges(X)) return hg_differences(X, whole, &amount);
    }
    int64_t sum = hg_differences(X, edge, &amount);
    if (hg_min(H, W) <= 2 || 2 * (sum < 0 ? -sum : sum) >= amount) return sum;
    /* There is a shadow: the background changes linearly between opposite edges. */
    const int64_t top = medians[0], bottom = medians[1], left = medians[2], right = medians[3];
    const int64_t mean = hg_round_div(top + bottom + left + right, 4);
    sum = 0;
    for (int i = 0; i < H; i++) {
        const int64_t row = hg_round_div(top * (H - 1) + (bottom - top) * i, H - 1);
        for (int j = 0; j < W; j++) {
            const int64_t column = hg_round_div(left * (W - 1) + (right - left) * j, W - 1);
            const int difference = X->data[i * W + j] - (int)(row + column - mean);
            if (hg_abs(difference) >= 32) sum += difference;
        }
    }
    return sum;
}

/* InvertDarkInk: invert an image whose ink is darker than its background. */
static void hg_invert_dark_ink(hg_image *X, int sheet) {
    if (hg_ink_balance(X, sheet) < 0) hg_invert(X);
}

/* Replace each pixel by the minimum (or the maximum) of the 15 x 15 square around it. */
static void hg_extreme(hg_preprocessing *w, hg_image *X, int is_minimum) {
    for (int axis = 0; axis < 2; axis++) {
        const int lines = axis ? X->height : X->width, n = axis ? X->width : X->height;
        const int along = axis ? 1 : X->width, across = axis ? X->width : 1;
        for (int line = 0; line < lines; line++) {
            for (int i = 0; i < n; i++) {
                int extreme = X->data[line * across + i * along];
                for (int k = hg_max(i - 7, 0); k <= hg_min(i + 7, n - 1); k++) {
                    const int x = X->data[line * across + k * along];
                    extreme = is_minimum ? hg_min(extreme, x) : hg_max(extreme, x);
                }
                w->spare[0][line * across + i * along] = (uint8_t)extreme;
            }
        }
        hg_take_spare(w, X, X->height, X->width, 1);
    }
}

/*
 * SubtractBackground: subtract the paper with its shadows and noise, so that it becomes black.
 *
 * The background is estimated in a copy of at most 64 pixels, by a minimum and a maximum over
 * squares wider than a stroke. `max_noise` is the largest amplitude of noise.
 */
static void hg_subtract_background(hg_preprocessing *w, hg_image *X, int max_noise) {
    const int H = X->height, W = X->width;
    hg_image G = *X; /* a copy, and from here on only spare[0] is overwritten */
    for (int k = 0; k < H * W; k++) w->spare[0][k] = X->data[k];
    G.data = w->spare[0];
    w->spare[0] = w->spare[1];
    w->spare[1] = X->data;
    if (hg_max(H, W) > 64) {
        int height, width;
        hg_fit(X, 64, 64, &height, &width);
        hg_filtered(w, &G, HG_RESIZE, height, width);
    }
    hg_extreme(w, &G, 1);
    hg_extreme(w, &G, 0);
    if (hg_largest(&G) > 0) {
        hg_filtered(w, &G, HG_SMOOTH, G.height, G.width);
        hg_filtered(w, &G, HG_RESIZE, H, W);
    } else {
        G.height = H;
        G.width = W;
        for (int k = 0; k < H * W; k++) G.data[k] = 0;
    }
    for (int k = 0; k < H * W; k++) X->data[k] = (uint8_t)hg_max(X->data[k] - G.data[k], 0);
    const int low = hg_percentile(X->data, H * W, 1, 16);
    const int middle = hg_percentile(X->data, H * W, 1, 50);
    const int noise = hg_min(middle + 3 * (middle - low), max_noise);
    for (int k = 0; k < H * W; k++) X->data[k] = (uint8_t)hg_max(X->data[k] - noise, 0);
    w->spare[1] = G.data;
}

/*
 * Return the value that separates light and dark pixels best (N. Otsu 1979): the first t with the
 * largest
 *
 *     (S n - s N)^2 / (n (N - n))
 *
 * n is the number of pixels <= t, s their sum, N the number of all pixels and S the sum of all.
 * Only here the steps compute with double: the square and the quotient are rounded once.
 */
static int hg_otsu_threshold(const hg_image *X) {
    int32_t counts[256];
    int64_t S = 0, s = 0, n = 0;
    const int64_t N = (int64_t)X->height * X->width;
    double best = -1.0;
    int threshold = 0;
    hg_clear_counts(counts);
    hg_count(X->data, X->height * X->width, 1, counts);
    for (int v = 0; v < 256; v++) S += (int64_t)v * counts[v];
    for (int t = 0; t < 256; t++) {
        n += counts[t];
        s += (int64_t)t * counts[t];
        const double between = (double)(S * n - s * N), square = between * between;
        const int64_t spread = n * (N - n);
        const double score = spread > 0 ? square / (double)spread : 0.0;
        if (score > best) {
            best = score;
            threshold = t;
        }
    }
    return threshold;
}

/*
 * Write which pixels are above a limit and have more than `speck` such pixels in the 5 x 5 square
 * around them: 1 if so, and 0 otherwise.
 */
static void hg_above(const hg_image *X, int limit, int speck, uint8_t *mask) {
    const int H = X->height, W = X->width;
    for (int i = 0; i < H; i++) {
        for (int j = 0; j < W; j++) {
            int count = 0;
            mask[i * W + j] = X->data[i * W + j] > limit;
            if (!mask[i * W + j] || speck == 0) continue;
            for (int y = hg_max(i - 2, 0); y <= hg_min(i + 2, H - 1); y++) {
                for (int x = hg_max(j - 2, 0); x <= hg_min(j + 2, W - 1); x++) {
                    count += X->data[y * W + x] > limit;
                }
            }
            mask[i * W + j] = count > speck;
        }
    }
}

/* Binarize: ink becomes white and everything else black, unless the image is small. */
static void hg_binarize(hg_preprocessing *w, hg_image *X, int min_side, int speck) {
    if (hg_max(X->height, X->width) < min_side) return;
    hg_above(X, hg_otsu_threshold(X), speck, w->spare[0]);
    hg_take_spare(w, X, X->height, X->width, 1);
    for (int k = 0; k < hg_bytes(X); k++) X->data[k] = X->data[k] ? 255 : 0;
}

/* CropToInk: crop an image to the bounding box of its ink in the first channel. */
static void hg_crop_to_ink(hg_image *X) {
    const int limit = hg_largest(X) / 8;
    int top = X->height, bottom = 0, left = X->width, right = 0;
    for (int i = 0; i < X->height; i++) {
        for (int j = 0; j < X->width; j++) {
            if (X->data[(i * X->width + j) * X->channels] <= limit) continue;
            top = hg_min(top, i);
            left = hg_min(left, j);
            right = hg_max(right, j + 1);
            bottom = i + 1;
        }
    }
    if (bottom > 0) hg_crop(X, top, left, bottom - top, right - left);
}

/* Upscale: enlarge a small image by cubic interpolation, with a margin of one black pixel. */
static void hg_upscale(hg_preprocessing *w, hg_image *X, int min_side, int side) {
    const uint8_t black[3] = {0, 0, 0};
    int height, width;
    if (hg_max(X->height, X->width) >= min_side) return;
    hg_place(w, X, X->height + 2, X->width + 2, 1, 1, black);
    hg_fit(X, side, side, &height, &width);
    hg_filtered(w, X, HG_CUBIC, height, width);
}

/* ScaleToFit: scale an image to fit into a square of `side` x `side` pixels. */
static void hg_scale_to_fit(hg_preprocessing *w, hg_image *X, int side) {
    int height, width;
    hg_fit(X, side, side, &height, &width);
    hg_filtered(w, X, HG_RESIZE, height, width);
}

/* StretchContrast: scale the lightness so that the 80th percentile of the ink becomes white. */
static void hg_stretch_contrast(hg_image *X) {
    int32_t counts[256];
    hg_clear_counts(counts);
    hg_count(X->data, hg_bytes(X), 1, counts);
    counts[0] = 0;
    const int top = hg_percentile_of_counts(counts, 80);
    if (hg_largest(X) == 0 || top >= 250) return;
    for (int k = 0; k < hg_bytes(X); k++) {
        X->data[k] = (uint8_t)hg_min((int)hg_round_div(255 * X->data[k], top), 255);
    }
}

/*
 * CenterByMass: place an image on a black square with its centre of mass in the middle:
 *
 *     floor(sum of x (2i + 1) / 2T), floor(sum of x (2j + 1) / 2T)        T: the sum of all pixels x
 */
static void hg_center_by_mass(hg_preprocessing *w, hg_image *X, int side) {
    const uint8_t black[3] = {0, 0, 0};
    const int is_black = hg_largest(X) == 0; /* then each pixel counts as 1 */
    const int C = X->channels;
    int64_t T = 0, y = 0, x = 0;
    for (int i = 0; i < X->height; i++) {
        for (int j = 0; j < X->width; j++) {
            int64_t mass = is_black;
            for (int c = 0; c < C; c++) mass += X->data[(i * X->width + j) * C + c];
            T += mass;
            y += mass * (2 * i + 1);
            x += mass * (2 * j + 1);
        }
    }
    const int top = side / 2 - (int)(y / (2 * T)), left = side / 2 - (int)(x / (2 * T));
    hg_place(w, X, side, side, top, left, black);
}
