/* Read inputs of the network from the standard input, and write their logits. */
#define HG_IMPLEMENTATION
#include "net.h"
#include <stdio.h>

static hg_workspace workspace;

int main(void) {
    static HG_RUN_TYPE X[HG_INPUTS];
    hg_answer answer;
    while (fread(X, sizeof X[0], HG_INPUTS, stdin) == HG_INPUTS) {
        HG_RUN_PREDICT(X, &answer, &workspace);
        if (fwrite(answer.logits, sizeof(float), HG_CLASSES, stdout) != HG_CLASSES) return 1;
    }
    return 0;
}
