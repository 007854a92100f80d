/*
 * Layers with integers. A number x is stored as an int8 q: x = scale (q - zero). Each layer rounds its
 * exact integer sums once, with a factor m/2^shift instead of a floating-point scale.
 */

/* Return m a/2^shift, rounded to the nearest integer, halves up. */
static int64_t hg_scaled(int64_t a, int32_t m, int shift) {
    const int64_t divisor = (int64_t)1 << shift, sum = a * m + divisor / 2;
    const int64_t quotient = sum / divisor;
    return sum % divisor < 0 ? quotient - 1 : quotient;
}

/* Return a number, limited to -128..127. */
static int8_t hg_to_int8(int64_t value) {
    return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

/* Dense: the integer sum for output o, sum_i W[o][i] (X[i] - zero) + b[o] */
static int32_t hg_dense_sum(
    const int8_t *X, const int8_t *W, const int32_t *b, int inputs, int zero, int o) {
    int32_t sum = b[o];
    for (int i = 0; i < inputs; i++) sum += W[o * inputs + i] * (X[i] - zero);
    return sum;
}

/* Dense, and ReLU if it follows: Y[o] = y_zero + m[o]/2^shift[o] times the sum for output o */
static void hg_dense_int8(
    const int8_t *X, int8_t *Y, const int8_t *W, const int32_t *b, const int32_t *m,
    const int8_t *shift, int inputs, int outputs, int zero, int y_zero) {
    for (int o = 0; o < outputs; o++) {
        const int32_t sum = hg_dense_sum(X, W, b, inputs, zero, o);
        Y[o] = hg_to_int8(y_zero + hg_scaled(sum, m[o], shift[o]));
    }
}

/* The last Dense: its outputs have 32 bits. */
static void hg_dense_logits(
    const int8_t *X, int32_t *Y, const int8_t *W, const int32_t *b, const int32_t *m,
    const int8_t *shift, int inputs, int outputs, int zero) {
    for (int o = 0; o < outputs; o++) {
        const int32_t sum = hg_dense_sum(X, W, b, inputs, zero, o);
        Y[o] = (int32_t)hg_scaled(sum, m[o], shift[o]);
    }
}

/* Conv2d with BatchNorm, and ReLU if it follows: like Dense, for each window */
static void hg_conv2d_int8(
    const int8_t *X, int8_t *Y, const int8_t *W, const int32_t *b, const int32_t *m,
    const int8_t *shift, const hg_window *v, int outputs, int zero, int y_zero) {
    const int size = v->kernel_height * v->kernel_width;
    for (int o = 0; o < outputs; o++) {
        for (int r = 0; r < v->rows; r++) {
            for (int q = 0; q < v->columns; q++) {
                const int top = r * v->stride_down - v->padding_down;
                const int left = q * v->stride_across - v->padding_across;
                int32_t sum = b[o];
                for (int c = 0; c < v->channels; c++) {
                    const int8_t *const kernel = W + (o * v->channels + c) * size;
                    const int8_t *const plane = X + c * v->height * v->width;
                    for (int i = 0; i < v->kernel_height; i++) {
                        if (top + i < 0 || top + i >= v->height) continue;
                        for (int j = 0; j < v->kernel_width; j++) {
                            if (left + j < 0 || left + j >= v->width) continue;
                            sum += kernel[i * v->kernel_width + j] *
                                   (plane[(top + i) * v->width + left + j] - zero);
                        }
                    }
                }
                Y[(o * v->rows + r) * v->columns + q] =
                    hg_to_int8(y_zero + hg_scaled(sum, m[o], shift[o]));
            }
        }
    }
}

/* MaxPool2d: the largest number in each window, within the image */
static void hg_max_pool_int8(const int8_t *X, int8_t *Y, const hg_window *v) {
    for (int c = 0; c < v->channels; c++) {
        for (int r = 0; r < v->rows; r++) {
            for (int q = 0; q < v->columns; q++) {
                const int top = r * v->stride_down - v->padding_down;
                const int left = q * v->stride_across - v->padding_across;
                int8_t most = -128;
                for (int i = 0; i < v->kernel_height; i++) {
                    if (top + i < 0 || top + i >= v->height) continue;
                    for (int j = 0; j < v->kernel_width; j++) {
                        if (left + j < 0 || left + j >= v->width) continue;
                        const int8_t x = X[(c * v->height + top + i) * v->width + left + j];
                        if (x > most) most = x;
                    }
                }
                Y[(c * v->rows + r) * v->columns + q] = most;
            }
        }
    }
}

/* AvgPool2d and GlobalAvgPool2d: Y = zero + m/2^shift sum_{i,j} (X - zero); outside it is 0 */
static void hg_avg_pool_int8(
    const int8_t *X, int8_t *Y, const hg_window *v, int zero, int32_t m, int shift) {
    for (int c = 0; c < v->channels; c++) {
        for (int r = 0; r < v->rows; r++) {
            for (int q = 0; q < v->columns; q++) {
                const int top = r * v->stride_down - v->padding_down;
                const int left = q * v->stride_across - v->padding_across;
                int32_t sum = 0;
                for (int i = 0; i < v->kernel_height; i++) {
                    if (top + i < 0 || top + i >= v->height) continue;
                    for (int j = 0; j < v->kernel_width; j++) {
                        if (left + j < 0 || left + j >= v->width) continue;
                        sum += X[(c * v->height + top + i) * v->width + left + j] - zero;
                    }
                }
                Y[(c * v->rows + r) * v->columns + q] = hg_to_int8(zero + hg_scaled(sum, m, shift));
            }
        }
    }
}

/* An activation, or BatchNorm or Normalize: a table of 256 numbers for each channel */
static void hg_table_int8(
    const int8_t *X, int8_t *Y, const int8_t *table, int channels, int pixels) {
    for (int c = 0; c < channels; c++) {
        for (int k = c * pixels; k < (c + 1) * pixels; k++) Y[k] = table[c * 256 + X[k] + 128];
    }
}

/* Residual: Y = y_zero + m/2^shift (body - zero) + m/2^shift (shortcut - zero) */
static void hg_add_int8(
    const int8_t *body, const int8_t *shortcut, int8_t *Y, int size, const int32_t v[7]) {
    for (int k = 0; k < size; k++) {
        Y[k] = hg_to_int8(v[6] + hg_scaled(body[k] - v[0], v[1], (int)v[2]) +
                          hg_scaled(shortcut[k] - v[3], v[4], (int)v[5]));
    }
}
