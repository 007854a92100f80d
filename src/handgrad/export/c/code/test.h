/* The test that the answers are those of the day on which the model was saved. */
#ifdef HANDGRAD_TEST
#include <stdio.h>
#include <string.h>

@golden@

/*@ float32 */
/* Return the hash of numbers, continued from the hash of those before: h = 16777619 h + bits */
static uint32_t hg_hash(uint32_t hash, const float *values, int count) {
    for (int k = 0; k < count; k++) {
        uint32_t bits;
        memcpy(&bits, values + k, sizeof bits);
        hash = hash * 16777619u + bits;
    }
    return hash;
}

/*@ end */
/*@ int8 */
/* Return the hash of integers, continued from the hash of those before: h = 16777619 h + value */
static uint32_t hg_hash_int8(uint32_t hash, const int8_t *values, int count) {
    for (int k = 0; k < count; k++) {
        const int32_t value = values[k];
        hash = hash * 16777619u + (uint32_t)value;
    }
    return hash;
}

/* The same for integers of 32 bits. */
static uint32_t hg_hash_int32(uint32_t hash, const int32_t *values, int count) {
    for (int k = 0; k < count; k++) hash = hash * 16777619u + (uint32_t)values[k];
    return hash;
}

/*@ end */
/* Return the difference of two numbers. It is never NaN, so that a comparison with it holds. */
static float hg_apart(float a, float b) {
    const float apart = fabsf(a - b);
    return apart >= 0.0f ? apart : INFINITY;
}

static hg_workspace hg_test_workspace;

/* Return whether the answer for golden image n is right, and note the largest difference. */
static int hg_is_right(int n, const hg_answer *answer, float *largest) {
    const float *const logits = hg_golden_logits + n * HG_CLASSES;
    const float *const p = hg_golden_probabilities + n * HG_CLASSES;
    float scale = 1.0f, apart = 0.0f;
    int label = 0;
    for (int k = 0; k < HG_CLASSES; k++) {
        if (fabsf(logits[k]) > scale) scale = fabsf(logits[k]);
        if (logits[k] > logits[label]) label = k;
    }
    for (int k = 0; k < HG_CLASSES; k++) {
        const float found = hg_apart(answer->logits[k], logits[k]) / scale;
        if (found > apart) apart = found;
        if (hg_apart(answer->probabilities[k], p[k]) > HG_GOLDEN_TOLERANCE * scale) return 0;
    }
    if (apart > *largest) *largest = apart;
    return apart <= HG_GOLDEN_TOLERANCE && answer->label == label;
}

/* Return whether a reason is the expected one. It is -1 if rounding decides. */
static int hg_is_expected(hg_reason reason, int expected) {
#ifdef HG_NO_OOD
    return expected >= 0 || reason == HG_NO_REASON;
#else
    return expected < 0 || (int)reason == expected;
#endif
}

/* Return whether golden image n has its answer. */
static int hg_test_golden(int n, float *largest) {
    hg_answer answer;
    hg_golden_predict(hg_golden_images + n * HG_INPUTS, &answer, &hg_test_workspace);
    return hg_is_right(n, &answer, largest) && hg_is_expected(answer.reason, hg_golden_reasons[n]);
}

/*@ raw */
/* Return whether raw golden image n becomes golden image n, and has its answer. */
static int hg_test_raw(int n, float *largest) {
    static uint8_t prepared[HG_INPUTS];
    const uint8_t *const raw = hg_golden_raw + n * HG_GOLDEN_HEIGHT * HG_GOLDEN_WIDTH * 4;
    hg_answer answer;
    if (HG_GOLDEN_HEIGHT > HG_MAX_HEIGHT || HG_GOLDEN_WIDTH > HG_MAX_WIDTH || HG_MAX_CHANNELS < 4) {
        return 1; /* the memory is too small for it */
    }
    hg_prepare(raw, HG_GOLDEN_HEIGHT, HG_GOLDEN_WIDTH, 4, prepared, &hg_test_workspace);
    for (int k = 0; k < HG_INPUTS; k++) {
        if (prepared[k] != hg_golden_images[n * HG_INPUTS + k]) return 0;
    }
    hg_predict_image(raw, HG_GOLDEN_HEIGHT, HG_GOLDEN_WIDTH, 4, &answer, &hg_test_workspace);
    return hg_is_right(n, &answer, largest) && hg_is_expected(answer.reason, hg_raw_reasons[n]);
}

/*@ end */
int main(void) {
    uint32_t hash = 2166136261u;
    float largest = 0.0f;
    int right = 0, is_whole = 1;
    for (int n = 0; n < HG_GOLDEN; n++) {
        int is_right = hg_test_golden(n, &largest);
        /*@ raw */
        if (n < HG_GOLDEN_RAW && !hg_test_raw(n, &largest)) is_right = 0;
        /*@ end */
        right += is_right;
    }
    printf("%d of %d answers as on the day it was saved, largest difference %.1e\n",
           right, HG_GOLDEN, (double)largest);
    for (int k = 0; k < HG_CLASSES; k++) {
        if (strcmp(hg_class_names[k], hg_golden_names[k]) == 0) continue;
        printf("the name of class %d was changed\n", k);
        is_whole = 0;
    }
@network_hash@
    if (hash != HG_GOLDEN_HASH) {
        printf("a weight or a statistic was changed\n");
        is_whole = 0;
    }
    /*@ ood */
    hash = 2166136261u;
@score_hash@
    if (hash != HG_GOLDEN_SCORE_HASH) {
        printf("a number of the out-of-distribution score was changed\n");
        is_whole = 0;
    }
    /*@ end */
    return right == HG_GOLDEN && is_whole ? 0 : 1;
}
#endif /* HANDGRAD_TEST */
