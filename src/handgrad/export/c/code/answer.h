/* The answer for the logits of an image. */

/* Softmax: p[k] = exp(z[k]/T) / sum_j exp(z[j]/T), with the temperature T of the calibration */
static void hg_softmax(const float *z, float T, float *p) {
    float most = z[0] / T, sum = 0.0f;
    for (int k = 1; k < HG_CLASSES; k++) most = z[k] / T > most ? z[k] / T : most;
    for (int k = 0; k < HG_CLASSES; k++) {
        p[k] = expf(z[k] / T - most);
        sum += p[k];
    }
    for (int k = 0; k < HG_CLASSES; k++) p[k] /= sum;
}

/* Complete an answer that has its logits: the most probable class and the probabilities. */
static void hg_answer_logits(hg_answer *answer) {
    int label = 0;
    for (int k = 1; k < HG_CLASSES; k++) if (answer->logits[k] > answer->logits[label]) label = k;
    hg_softmax(answer->logits, HG_TEMPERATURE, answer->probabilities);
    answer->label = label;
    answer->score = 0.0f;
    answer->reason = HG_NO_REASON;
    if ((double)answer->probabilities[label] < HG_LEAST_PROBABILITY) answer->reason = HG_UNSURE;
}

/* Return why an answer is "don't know", or "" if it is not. */
const char *hg_reason_text(hg_reason reason) {
    static const char *const texts[] = {
        "", "unsure", "unlike the training data", "nothing drawn", "lines across the image",
        "opposite polarity"};
    const int index = (int)reason; /* an enumeration may be unsigned */
    return index >= 0 && index <= (int)HG_OPPOSITE_POLARITY ? texts[index] : "";
}
