/*
 * The out-of-distribution score of an image x with logits z. It is high for images unlike the
 * training images:
 *
 *     s(x) = (log d2(h) - m1)/s1 + max(0, E(z) - m2)/s2        E(z) = -log sum_k exp z[k]
 *
 *     d2(h) = sum_r c[r]^2/(v[r] + e) + (|h - mean|^2 - |c|^2)/e        c = U (h - mean)
 *
 * h are the edges of the image. The mean, the directions U and the variances v are those of the
 * class of the answer, and e is the variance along all other directions.
 */

/* The numbers of the score in ood_scaling. */
enum {
    HG_OOD_CENTER = 0,        /* m1 */
    HG_OOD_SPREAD = 1,        /* s1 */
    HG_OOD_ENERGY_CENTER = 2, /* m2 */
    HG_OOD_ENERGY_SPREAD = 3, /* s2 */
    HG_OOD_THRESHOLD = 4,
    HG_OOD_NOISE = 5          /* e */
};

/* Return the mean over the channels of the pixel (i, j), and 0 outside the image. */
static float hg_pixel(const float *X, int i, int j) {
    float sum = 0.0f;
    if (i < 0 || i >= HG_HEIGHT || j < 0 || j >= HG_WIDTH) return 0.0f;
    for (int c = 0; c < HG_CHANNELS; c++) sum += X[(c * HG_HEIGHT + i) * HG_WIDTH + j];
    return sum / (float)HG_CHANNELS;
}

/*
 * Compute the edges h of an image: square roots of the mean slopes in 8 directions (cos a, sin a) in
 * each cell. The slope is max(0, Gx cos a + Gy sin a)/8, with the Sobel filters
 *
 *     Gx = | -1 0 1 |        Gy = | -1 -2 -1 |
 *          | -2 0 2 |             |  0  0  0 |
 *          | -1 0 1 |             |  1  2  1 |
 *
 * Cells overlap: ood_rows and ood_columns hold the weights of the pixels for the mean of each cell.
 */
static void hg_edges(const float *X, float *h) {
    for (int k = 0; k < 8 * HG_OOD_HIGH * HG_OOD_WIDE; k++) h[k] = 0.0f;
    for (int i = 0; i < HG_HEIGHT; i++) {
        for (int j = 0; j < HG_WIDTH; j++) {
            const float right = hg_pixel(X, i - 1, j + 1) + hg_pixel(X, i + 1, j + 1) +
                                2.0f * hg_pixel(X, i, j + 1);
            const float left = hg_pixel(X, i - 1, j - 1) + hg_pixel(X, i + 1, j - 1) +
                               2.0f * hg_pixel(X, i, j - 1);
            const float below = hg_pixel(X, i + 1, j - 1) + hg_pixel(X, i + 1, j + 1) +
                                2.0f * hg_pixel(X, i + 1, j);
            const float above = hg_pixel(X, i - 1, j - 1) + hg_pixel(X, i - 1, j + 1) +
                                2.0f * hg_pixel(X, i - 1, j);
            const float gx = right - left, gy = below - above;
            const float slopes[4] = {gx, gx + gy, gy, gy - gx};
            for (int k = 0; k < 4; k++) {
                const int direction = slopes[k] > 0.0f ? k : k + 4;
                for (int y = 0; y < HG_OOD_HIGH; y++) {
                    const float row = hg_ood_rows[y * HG_HEIGHT + i] * fabsf(slopes[k]);
                    if (!(row > 0.0f)) continue;
                    for (int x = 0; x < HG_OOD_WIDE; x++) {
                        h[(direction * HG_OOD_HIGH + y) * HG_OOD_WIDE + x] +=
                            row * hg_ood_columns[x * HG_WIDTH + j];
                    }
                }
            }
        }
    }
    for (int k = 0; k < 8; k++) {
        const float scale = k % 2 ? 0.70710678f / 8.0f : 1.0f / 8.0f; /* odd: between the axes */
        for (int cell = 0; cell < HG_OOD_HIGH * HG_OOD_WIDE; cell++) {
            const int at = k * HG_OOD_HIGH * HG_OOD_WIDE + cell;
            h[at] = sqrtf(h[at] * scale);
        }
    }
}

/* Return the distance d2 between the edges h of an image and class k. h becomes h - mean. */
static float hg_ood_distance(float *h, int k) {
    const float *const U = hg_ood_directions + k * HG_OOD_RANK * HG_OOD_EDGES;
    float d2 = 0.0f, rest = 0.0f;
    for (int p = 0; p < HG_OOD_EDGES; p++) {
        h[p] -= hg_ood_means[k * HG_OOD_EDGES + p];
        rest += h[p] * h[p];
    }
    for (int r = 0; r < HG_OOD_RANK; r++) {
        float c = 0.0f;
        for (int p = 0; p < HG_OOD_EDGES; p++) c += U[r * HG_OOD_EDGES + p] * h[p];
        d2 += c * c / (hg_ood_variances[k * HG_OOD_RANK + r] + hg_ood_scaling[HG_OOD_NOISE]);
        rest -= c * c;
    }
    d2 += (rest > 0.0f ? rest : 0.0f) / hg_ood_scaling[HG_OOD_NOISE];
    return d2 > 1.17549435e-38f ? d2 : 1.17549435e-38f; /* so that its logarithm is finite */
}

/* Compute the score of an answer, and change its reason if the score is above the threshold. */
static void hg_add_score(hg_answer *answer, float *h) {
    const float *const z = answer->logits;
    float sum = 0.0f;
    for (int k = 0; k < HG_CLASSES; k++) sum += expf(z[k] - z[answer->label]);
    const float energy = -(z[answer->label] + logf(sum));
    const float excess = energy - hg_ood_scaling[HG_OOD_ENERGY_CENTER];
    answer->score = (logf(hg_ood_distance(h, answer->label)) - hg_ood_scaling[HG_OOD_CENTER]) / hg_ood_scaling[HG_OOD_SPREAD] +
                    (excess > 0.0f ? excess : 0.0f) / hg_ood_scaling[HG_OOD_ENERGY_SPREAD];
    if (answer->score > hg_ood_scaling[HG_OOD_THRESHOLD]) answer->reason = HG_UNLIKE;
}
