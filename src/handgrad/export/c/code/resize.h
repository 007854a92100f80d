/* Separable filters with integer weights. The weights of a row have the sum 2^15. */

/* How the weights are computed: by area or linear interpolation, by cubic polynomials, or smooth. */
typedef enum { HG_RESIZE, HG_CUBIC, HG_SMOOTH } hg_filter;

/* The radius of the triangle that smooths, in pixels. */
enum { HG_RADIUS = 12 };

/*
 * Return the share of a pixel at the distance t / b of an axis that grows by cubic interpolation
 * (R. Keys 1981, with the slope -3/4 at distance 1, times 4 b^3):
 *
 *     (b - t) (4 b^2 + 4 b t - 5 t^2)  if t <= b,    3 (b - t) (2 b - t)^2  if t > b
 */
static int64_t hg_cubic_share(int64_t t, int64_t b) {
    if (t <= b) return (b - t) * (4 * b * b + 4 * b * t - 5 * t * t);
    return 3 * (b - t) * (2 * b - t) * (2 * b - t);
}

/*
 * Compute the weights of output pixel i, if an axis of n pixels becomes one of m pixels.
 *
 * The share of the input pixel j has the sum D over all j:
 *
 *     m < n:        the area that the output pixel covers of it, D = n
 *     linear:       b - |p - b j|, D = b, with p = (2 i + 1) n - m and b = 2 m
 *     cubic:        see above, with t = |p - b j|, D = 4 b^3
 *     smooth:       r - |i - j|, D = r^2, with the radius r = 12
 *
 * A pixel outside the image gives its share to the nearest pixel. With the cumulative sums S,
 *
 *     weight_j = round(2^15 S_j / D) - round(2^15 S_(j-1) / D)
 *
 * The weights are those of the input pixels from *start on. Return how many there are.
 */
static int hg_weights(hg_filter filter, int i, int n, int m, int32_t *weights, int *start) {
    const int64_t b = 2 * (int64_t)m, p = (2 * (int64_t)i + 1) * n - m;
    int64_t first, last, D;
    if (filter == HG_SMOOTH) {
        first = i + 1 - HG_RADIUS;
        last = i + HG_RADIUS - 1;
        D = HG_RADIUS * HG_RADIUS;
    } else if (m < n) {
        first = (int64_t)i * n / m;
        last = (((int64_t)i + 1) * n - 1) / m;
        D = n;
    } else {
        const int reach = filter == HG_CUBIC ? 2 : 1;
        first = hg_floor_div(p, b) + 1 - reach;
        last = first + 2 * reach - 1;
        D = filter == HG_CUBIC ? 4 * b * b * b : b;
    }
    *start = (int)(first < 0 ? 0 : first > n - 1 ? n - 1 : first);
    int count = 0;
    int64_t S = 0, before = 0;
    for (int64_t j = first; j <= last; j++) {
        if (filter == HG_SMOOTH) {
            S += HG_RADIUS - (j < i ? i - j : j - i);
        } else if (m < n) {
            const int64_t stop = (i + 1) * (int64_t)n, own_stop = (j + 1) * m;
            const int64_t begin = i * (int64_t)n, own_begin = j * m;
            S += (stop < own_stop ? stop : own_stop) - (begin > own_begin ? begin : own_begin);
        } else {
            const int64_t t = p > b * j ? p - b * j : b * j - p;
            S += filter == HG_CUBIC ? hg_cubic_share(t, b) : b - t;
        }
        const int at = (int)(j < 0 ? 0 : j > n - 1 ? n - 1 : j) - *start;
        for (; count <= at; count++) weights[count] = 0;
        const int64_t now = hg_round_div(32768 * S, D);
        weights[at] += (int32_t)(now - before);
        before = now;
    }
    return count;
}

/* Filter the columns of X into Y, which gets m rows. */
static void hg_filter_columns(const hg_image *X, hg_filter filter, int m, int32_t *weights, uint8_t *Y) {
    const int length = X->width * X->channels;
    for (int i = 0; i < m; i++) {
        int start;
        const int count = hg_weights(filter, i, X->height, m, weights, &start);
        for (int j = 0; j < length; j++) {
            int32_t sum = 16384;
            for (int k = 0; k < count; k++) sum += weights[k] * X->data[(start + k) * length + j];
            Y[i * length + j] = hg_limited(sum < 0 ? 0 : sum / 32768);
        }
    }
}

/* Filter the rows of X into Y, which gets m columns. */
static void hg_filter_rows(const hg_image *X, hg_filter filter, int m, int32_t *weights, uint8_t *Y) {
    const int C = X->channels;
    for (int j = 0; j < m; j++) {
        int start;
        const int count = hg_weights(filter, j, X->width, m, weights, &start);
        for (int i = 0; i < X->height; i++) {
            for (int c = 0; c < C; c++) {
                int32_t sum = 16384;
                for (int k = 0; k < count; k++) {
                    sum += weights[k] * X->data[(i * X->width + start + k) * C + c];
                }
                Y[(i * m + j) * C + c] = hg_limited(sum < 0 ? 0 : sum / 32768);
            }
        }
    }
}

/* Filter both axes of an image. An axis that keeps its size is not resized. */
static void hg_filtered(hg_preprocessing *w, hg_image *X, hg_filter filter, int height, int width) {
    if (filter == HG_SMOOTH || X->height != height) {
        hg_filter_columns(X, filter, height, w->weights, w->spare[0]);
        hg_take_spare(w, X, height, X->width, X->channels);
    }
    if (filter == HG_SMOOTH || X->width != width) {
        hg_filter_rows(X, filter, width, w->weights, w->spare[0]);
        hg_take_spare(w, X, height, width, X->channels);
    }
}
