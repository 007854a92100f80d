/* Images that cannot be classified, such as a blank sheet. */

/* Return the number of runs of ink along the edges of a mask. */
static int hg_runs_at_edges(const uint8_t *ink, int H, int W) {
    const int n = 2 * W + H - 2 + hg_max(H - 2, 0);
    int runs = 0, before = ink[H > 1 ? W : 0];
    for (int k = 0; k < n; k++) {
        int y = 0, x = k; /* the first row, the last column, the last row and the first column */
        if (k >= 2 * W + H - 2) {
            y = n - k;
            x = 0;
        } else if (k >= W + H - 1) {
            y = H - 1;
            x = 2 * W + H - 3 - k;
        } else if (k >= W) {
            y = k - W + 1;
            x = W - 1;
        }
        runs += ink[y * W + x] && !before;
        before = ink[y * W + x];
    }
    return runs;
}

/* Return whether an image has only dark edges or corners: its middle has no ink. */
static int hg_is_surroundings(hg_preprocessing *w) {
    const int h = w->high, v = w->wide;
    int next = 0, found = 0, fills = 0;
    hg_box box;
    for (int y = h / 5; y < h - h / 5; y++) {
        for (int x = v / 5; x < v - v / 5; x++) if (hg_has(w, y * v + x, HG_INK)) return 0;
    }
    hg_find_dark_edges(w);
    for (int k = 0; k < h * v; k++) found |= hg_has(w, k, HG_FOUND);
    if (!found) return 0;
    hg_select(w, HG_TODO, HG_INK, 0);
    while (hg_component(w, HG_TODO, &next, &box) > 0) {
        if (box.bottom - box.top == h && box.right - box.left == v) fills = 1;
    }
    const int corners = hg_has(w, 0, HG_INK) + hg_has(w, v - 1, HG_INK) +
                        hg_has(w, (h - 1) * v, HG_INK) + hg_has(w, h * v - 1, HG_INK);
    return !fills || corners >= 3;
}

/* Return whether all ink is one thin line from edge to edge, such as a fold. */
static int hg_is_single_line(const hg_preprocessing *w) {
    hg_box box;
    if (!hg_box_of(w, HG_INK, 0, &box)) return 0;
    const int high = box.bottom - box.top, wide = box.right - box.left;
    return (20 * high >= 19 * w->high && 8 * wide <= w->wide) ||
           (20 * wide >= 19 * w->wide && 8 * high <= w->high);
}

/* Return why the ink of a drawing on black is no character, or HG_NO_REASON. */
static hg_reason hg_problem_of_drawing(hg_preprocessing *w, const hg_image *X) {
    const int H = X->height, W = X->width, is_small = hg_max(H, W) < 40;
    int any = 0;
    hg_above(X, hg_max(32, hg_largest(X) / 4), is_small ? 0 : 4, w->spare[0]);
    for (int k = 0; k < H * W; k++) any |= w->spare[0][k];
    if (!any) return HG_NOTHING_DRAWN;
    if (is_small) return HG_NO_REASON;
    hg_in_cells(w, w->spare[0], H, W);
    if (hg_is_surroundings(w)) return HG_NOTHING_DRAWN;
    if (hg_is_single_line(w) || hg_runs_at_edges(w->spare[0], H, W) > 8) return HG_LINES;
    return HG_NO_REASON;
}

/* Return whether all bytes of a prepared image are nearly equal. */
static int hg_is_blank(const hg_image *X) {
    int least = 255;
    for (int k = 0; k < hg_bytes(X); k++) least = hg_min(least, X->data[k]);
    return hg_largest(X) - least < 32;
}

/* Return -1 if an opaque image clearly has dark ink, 1 if it has light ink, and otherwise 0. */
static int hg_ink_of(const hg_image *X) {
    int32_t counts[256];
    int64_t amount;
    hg_count_edges(X, 0, counts);
    hg_differences(X, hg_percentile_of_counts(counts, 50), &amount);
    const int64_t balance = hg_ink_balance(X, 0);
    if (!hg_has_uniform_edges(X) || amount == 0) return 0;
    if (2 * (balance < 0 ? -balance : balance) < amount) return 0;
    return balance < 0 ? -1 : 1;
}
