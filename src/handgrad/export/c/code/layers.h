/* Layers: the formulas are those of handgrad's layers, for one image. */

/* The windows of a convolution or of pooling, with the shapes of the input and of the output. */
typedef struct {
    int channels, height, width;
    int kernel_height, kernel_width, stride_down, stride_across, padding_down, padding_across;
    int rows, columns;
} hg_window;

/* Dense: Y[o] = sum_i W[o][i] X[i] + b[o] */
static void hg_dense(
    const float *X, float *Y, const float *W, const float *b, int inputs, int outputs) {
    for (int o = 0; o < outputs; o++) {
        float sum = b[o];
        for (int i = 0; i < inputs; i++) sum += W[o * inputs + i] * X[i];
        Y[o] = sum;
    }
}

/*
 * Conv2d: Y[o][r][q] = sum_{c,i,j} W[o][c][i][j] X[c][r s + i - p][q s + j - p] + b[o]
 *
 * s is the stride and p the padding. Outside the image, X is 0.
 */
static void hg_conv2d(
    const float *X, float *Y, const float *W, const float *b, const hg_window *v, int outputs) {
    const int size = v->kernel_height * v->kernel_width;
    for (int o = 0; o < outputs; o++) {
        for (int r = 0; r < v->rows; r++) {
            for (int q = 0; q < v->columns; q++) {
                const int top = r * v->stride_down - v->padding_down;
                const int left = q * v->stride_across - v->padding_across;
                float sum = b[o];
                for (int c = 0; c < v->channels; c++) {
                    const float *const kernel = W + (o * v->channels + c) * size;
                    const float *const plane = X + c * v->height * v->width;
                    for (int i = 0; i < v->kernel_height; i++) {
                        if (top + i < 0 || top + i >= v->height) continue;
                        for (int j = 0; j < v->kernel_width; j++) {
                            if (left + j < 0 || left + j >= v->width) continue;
                            sum += kernel[i * v->kernel_width + j] *
                                   plane[(top + i) * v->width + left + j];
                        }
                    }
                }
                Y[(o * v->rows + r) * v->columns + q] = sum;
            }
        }
    }
}

/* MaxPool2d: Y[c][r][q] = max_{i,j} X[c][r s + i - p][q s + j - p], within the image */
static void hg_max_pool(const float *X, float *Y, const hg_window *v) {
    for (int c = 0; c < v->channels; c++) {
        for (int r = 0; r < v->rows; r++) {
            for (int q = 0; q < v->columns; q++) {
                const int top = r * v->stride_down - v->padding_down;
                const int left = q * v->stride_across - v->padding_across;
                int is_first = 1;
                float most = 0.0f;
                for (int i = 0; i < v->kernel_height; i++) {
                    if (top + i < 0 || top + i >= v->height) continue;
                    for (int j = 0; j < v->kernel_width; j++) {
                        if (left + j < 0 || left + j >= v->width) continue;
                        const float x = X[(c * v->height + top + i) * v->width + left + j];
                        if (is_first || x > most) most = x;
                        is_first = 0;
                    }
                }
                Y[(c * v->rows + r) * v->columns + q] = most;
            }
        }
    }
}

/* AvgPool2d: Y[c][r][q] = 1/(kh kw) sum_{i,j} X[c][r s + i - p][q s + j - p]; outside, X is 0 */
static void hg_avg_pool(const float *X, float *Y, const hg_window *v) {
    const float count = (float)(v->kernel_height * v->kernel_width);
    for (int c = 0; c < v->channels; c++) {
        for (int r = 0; r < v->rows; r++) {
            for (int q = 0; q < v->columns; q++) {
                const int top = r * v->stride_down - v->padding_down;
                const int left = q * v->stride_across - v->padding_across;
                float sum = 0.0f;
                for (int i = 0; i < v->kernel_height; i++) {
                    if (top + i < 0 || top + i >= v->height) continue;
                    for (int j = 0; j < v->kernel_width; j++) {
                        if (left + j < 0 || left + j >= v->width) continue;
                        sum += X[(c * v->height + top + i) * v->width + left + j];
                    }
                }
                Y[(c * v->rows + r) * v->columns + q] = sum / count;
            }
        }
    }
}

/* GlobalAvgPool2d: Y[c] = 1/pixels sum_k X[c][k] */
static void hg_global_avg_pool(const float *X, float *Y, int channels, int pixels) {
    for (int c = 0; c < channels; c++) {
        float sum = 0.0f;
        for (int k = 0; k < pixels; k++) sum += X[c * pixels + k];
        Y[c] = sum / (float)pixels;
    }
}

/* BatchNorm: Y = weight (X - mean)/std + bias for each channel, with std = sqrt(var + eps) */
static void hg_batch_norm(
    const float *X, float *Y, const float *weight, const float *bias, const float *mean,
    const float *std, int channels, int pixels) {
    for (int c = 0; c < channels; c++) {
        for (int k = c * pixels; k < (c + 1) * pixels; k++) {
            Y[k] = weight[c] * ((X[k] - mean[c]) / std[c]) + bias[c];
        }
    }
}

/* Normalize: Y = (X - mean)/std for each channel */
static void hg_normalize(
    const float *X, float *Y, const float *mean, const float *std, int channels, int pixels) {
    for (int c = 0; c < channels; c++) {
        for (int k = c * pixels; k < (c + 1) * pixels; k++) Y[k] = (X[k] - mean[c]) / std[c];
    }
}

/* ReLU: Y = max(X, 0) */
static void hg_relu(const float *X, float *Y, int size) {
    for (int k = 0; k < size; k++) Y[k] = X[k] > 0.0f ? X[k] : 0.0f;
}

/* LeakyReLU: Y = X where X > 0, and otherwise slope X */
static void hg_leaky_relu(const float *X, float *Y, int size, float slope) {
    for (int k = 0; k < size; k++) Y[k] = X[k] > 0.0f ? X[k] : slope * X[k];
}

/* Return 1/(1 + exp(-x)), so that the exponential does not overflow. */
static float hg_logistic(float x) {
    const float e = expf(-fabsf(x));
    return (x >= 0.0f ? 1.0f : e) / (1.0f + e);
}

/* Sigmoid: Y = 1/(1 + exp(-X)) */
static void hg_sigmoid(const float *X, float *Y, int size) {
    for (int k = 0; k < size; k++) Y[k] = hg_logistic(X[k]);
}

/* Tanh: Y = tanh X */
static void hg_tanh(const float *X, float *Y, int size) {
    for (int k = 0; k < size; k++) Y[k] = tanhf(X[k]);
}

/* SiLU: Y = X/(1 + exp(-X)) */
static void hg_silu(const float *X, float *Y, int size) {
    for (int k = 0; k < size; k++) Y[k] = X[k] * hg_logistic(X[k]);
}

/* Residual: Y = body(X) + shortcut(X) */
static void hg_add(const float *body, const float *shortcut, float *Y, int size) {
    for (int k = 0; k < size; k++) Y[k] = body[k] + shortcut[k];
}
