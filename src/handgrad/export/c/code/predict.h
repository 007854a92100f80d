/* The answer for the network's input, which is in the memory of the network. */
static void hg_predict_input(hg_answer *answer, hg_workspace *w) {
    /*@ ood */
    float *const h = w->edges; /* computed first, because the network overwrites its input */
    hg_edges(w->memory.network.buffer_0, h);
    /*@ end */
    hg_forward(&w->memory.network, answer->logits);
    hg_answer_logits(answer);
    /*@ ood */
    hg_add_score(answer, h);
    /*@ end */
}

/* The answer for an image of bytes, with integers: the image is q = x - 128. */
static void hg_predict_bytes(const uint8_t X[HG_INPUTS], hg_answer *answer, hg_workspace *w) {
    for (int k = 0; k < HG_INPUTS; k++) w->memory.network.buffer_0[k] = (int8_t)(X[k] - 128);
    hg_forward(&w->memory.network, answer->logits);
    hg_answer_logits(answer);
}

/* See the declaration above. */
void hg_predict_values(const float X[HG_INPUTS], hg_answer *answer, hg_workspace *w) {
    for (int k = 0; k < HG_INPUTS; k++) w->memory.network.buffer_0[k] = X[k];
    hg_predict_input(answer, w);
}

/* See the declaration above. */
void hg_predict(const uint8_t X[HG_INPUTS], hg_answer *answer, hg_workspace *w) {
    /*@ float32 */
    for (int k = 0; k < HG_INPUTS; k++) {
        w->memory.network.buffer_0[k] = (float)X[k] * HG_PIXEL_SCALE;
    }
    hg_predict_input(answer, w);
    /*@ end */
    /*@ int8 */
    hg_predict_bytes(X, answer, w);
    /*@ end */
}

/* See the declaration above. */
int hg_predict_image(
    const uint8_t *pixels, int height, int width, int channels, hg_answer *answer, hg_workspace *w) {
    const int problem = hg_prepare(pixels, height, width, channels, w->prepared, w);
    if (problem < 0) return -1;
    hg_predict(w->prepared, answer, w);
    if (problem > 0) answer->reason = (hg_reason)problem;
    return 0;
}
