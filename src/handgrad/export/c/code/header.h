/*
 * An image classifier in C99: no allocation, and no library other than math.h.
 *
@about@
 *
 * Declarations only, unless HG_IMPLEMENTATION is defined. In exactly one C file, write
 *
 *     #define HG_IMPLEMENTATION
 *     #include "@file@"
 *
 * The test: cc -std=c99 -O2 -DHANDGRAD_TEST -x c @file@ -o test -lm && ./test
 */
#ifndef HG_HANDGRAD_H
#define HG_HANDGRAD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

@constants@

/* Why an answer is "don't know", or HG_NO_REASON if it is not. */
typedef enum {
    HG_NO_REASON,
    HG_UNSURE,            /* the largest probability is below the threshold */
    HG_UNLIKE,            /* the image is unlike the training data */
    HG_NOTHING_DRAWN,     /* the image is blank */
    HG_LINES,             /* there are lines across the image */
    HG_OPPOSITE_POLARITY  /* light and dark are swapped in comparison with the training images */
} hg_reason;

/* The answer for an image. */
typedef struct {
    int label;                        /* the most probable class, 0..HG_CLASSES - 1 */
    hg_reason reason;                 /* the answer is "don't know" unless it is HG_NO_REASON */
    float logits[HG_CLASSES];         /* the outputs of the network */
    float probabilities[HG_CLASSES];  /* calibrated if the model is */
    float score;                      /* out of distribution if high; 0 if the model has no score */
} hg_answer;

@types@

/* The memory for one call. It needs no initialization, and a static variable is a good place. */
typedef struct {
@memory@
} hg_workspace;

#define HG_WORKSPACE_BYTES sizeof(hg_workspace)

/* The names of the classes. */
extern const char *const hg_class_names[HG_CLASSES];

/* Return a reason as text, and "" for HG_NO_REASON. */
const char *hg_reason_text(hg_reason reason);

@declarations@

#ifdef __cplusplus
}
#endif

#endif /* HG_HANDGRAD_H */

#if (defined(HG_IMPLEMENTATION) || defined(HANDGRAD_TEST)) && !defined(HG_IMPLEMENTED)
#define HG_IMPLEMENTED

#include <math.h>

const char *const hg_class_names[HG_CLASSES] = {@class_names@};

@implementation@

#endif /* HG_IMPLEMENTED */
