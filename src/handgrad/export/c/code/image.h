/* Images. */

/* An image: the pixel (i, j) of channel c is data[(i * width + j) * channels + c]. */
typedef struct {
    int height, width, channels;
    uint8_t *data;
} hg_image;

/* Return a / b, rounded down, for b > 0. */
static int64_t hg_floor_div(int64_t a, int64_t b) {
    const int64_t quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

/* Return a / b, rounded to the nearest integer, halves up, for b > 0. */
static int64_t hg_round_div(int64_t a, int64_t b) {
    return hg_floor_div(2 * a + b, 2 * b);
}

/* Return the smaller number. */
static int hg_min(int a, int b) {
    return a < b ? a : b;
}

/* Return the larger number. */
static int hg_max(int a, int b) {
    return a > b ? a : b;
}

/* Return the absolute value. */
static int hg_abs(int a) {
    return a < 0 ? -a : a;
}

/* Return an integer, limited to 0..255. */
static uint8_t hg_limited(int32_t value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Return the number of bytes of an image. */
static int hg_bytes(const hg_image *X) {
    return X->height * X->width * X->channels;
}

/* Make the image that was written to the first spare buffer the current one. */
static void hg_take_spare(hg_preprocessing *w, hg_image *X, int height, int width, int channels) {
    uint8_t *const before = X->data;
    X->data = w->spare[0];
    w->spare[0] = before;
    X->height = height;
    X->width = width;
    X->channels = channels;
}

/* Return a percentile of counted values: the smallest v with 100 #{values <= v} >= percent #values. */
static int hg_percentile_of_counts(const int32_t counts[256], int percent) {
    int64_t total = 0, below = 0;
    for (int v = 0; v < 256; v++) total += counts[v];
    for (int v = 0; v < 255; v++) {
        below += counts[v];
        if (100 * below >= percent * total) return v;
    }
    return 255;
}

/* Set all counts to 0. */
static void hg_clear_counts(int32_t counts[256]) {
    for (int v = 0; v < 256; v++) counts[v] = 0;
}

/* Count the values data[0], data[step], ... of which there are n. */
static void hg_count(const uint8_t *data, int n, int step, int32_t counts[256]) {
    for (int k = 0; k < n; k++) counts[data[k * step]]++;
}

/* Return a percentile of the values data[0], data[step], ... of which there are n. */
static int hg_percentile(const uint8_t *data, int n, int step, int percent) {
    int32_t counts[256];
    hg_clear_counts(counts);
    hg_count(data, n, step, counts);
    return hg_percentile_of_counts(counts, percent);
}

/* Count channel c of the pixels along the four edges. The pixels in the corners count twice. */
static void hg_count_edges(const hg_image *X, int c, int32_t counts[256]) {
    const int H = X->height, W = X->width, C = X->channels;
    hg_clear_counts(counts);
    hg_count(X->data + c, W, C, counts);
    hg_count(X->data + (H - 1) * W * C + c, W, C, counts);
    hg_count(X->data + c, H, W * C, counts);
    hg_count(X->data + (W - 1) * C + c, H, W * C, counts);
}

/* Return the largest byte of an image. */
static int hg_largest(const hg_image *X) {
    int most = 0;
    for (int k = 0; k < hg_bytes(X); k++) most = hg_max(most, X->data[k]);
    return most;
}

/* Return the largest size within height x width that keeps the proportions of an image. */
static void hg_fit(const hg_image *X, int height, int width, int *h, int *w) {
    const int64_t H = X->height, W = X->width;
    *h = height;
    *w = width;
    if (height * W <= width * H) *w = hg_max(1, (int)hg_round_div(W * height, H));
    else *h = hg_max(1, (int)hg_round_div(H * width, W));
}
