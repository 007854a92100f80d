/*
 * RemoveLines: remove dark edges, frames, boxes, grids and lines around a drawing.
 *
 * Lines are looked for in a copy of h x w cells, at most 128 on the longer side. Each cell has a set
 * of flags: HG_INK (it has ink), HG_KEPT (its ink was not removed), HG_FOUND (its ink was found and
 * may be removed), HG_TODO (it belongs to a component that is still to come), HG_PART (it belongs to
 * the component that is looked at), HG_ACROSS and HG_DOWN (it lies in a line across or down),
 * HG_CROSSED_ACROSS and HG_CROSSED_DOWN (other ink crosses this line there), and HG_REST.
 */

/* The flags of a cell. */
enum {
    HG_INK = 1,
    HG_KEPT = 2,
    HG_FOUND = 4,
    HG_TODO = 8,
    HG_PART = 16,
    HG_ACROSS = 32,
    HG_DOWN = 64,
    HG_CROSSED_ACROSS = 128,
    HG_CROSSED_DOWN = 256,
    HG_REST = 512
};

/* A rectangle: the first row, the row after the last one, and the same for columns. */
typedef struct {
    int top, bottom, left, right;
} hg_box;

/* Return whether a cell has one of the given flags. */
static int hg_has(const hg_preprocessing *w, int cell, int flags) {
    return (w->cells[cell] & flags) != 0;
}

/* Give flags to a cell. */
static void hg_mark(hg_preprocessing *w, int cell, int flags) {
    w->cells[cell] = (uint16_t)(w->cells[cell] | flags);
}

/* Take flags from a cell. */
static void hg_unmark(hg_preprocessing *w, int cell, int flags) {
    w->cells[cell] = (uint16_t)(w->cells[cell] & ~flags);
}

/* Give flags to the cells that have `with` and not `without`, and take them from all others. */
static void hg_select(hg_preprocessing *w, int flags, int with, int without) {
    for (int k = 0; k < w->high * w->wide; k++) {
        if (hg_has(w, k, with) && !hg_has(w, k, without)) hg_mark(w, k, flags);
        else hg_unmark(w, k, flags);
    }
}

/* Include a cell in a box. */
static void hg_extend(hg_box *box, int y, int x) {
    box->top = hg_min(box->top, y);
    box->bottom = hg_max(box->bottom, y + 1);
    box->left = hg_min(box->left, x);
    box->right = hg_max(box->right, x + 1);
}

/* Return a box without cells. */
static hg_box hg_empty_box(const hg_preprocessing *w) {
    hg_box box;
    box.top = w->high;
    box.left = w->wide;
    box.bottom = box.right = 0;
    return box;
}

/* Find the bounding box of the cells with `with` and not `without`. Return whether there are any. */
static int hg_box_of(const hg_preprocessing *w, int with, int without, hg_box *box) {
    *box = hg_empty_box(w);
    for (int k = 0; k < w->high * w->wide; k++) {
        if (hg_has(w, k, with) && !hg_has(w, k, without)) hg_extend(box, k / w->wide, k % w->wide);
    }
    return box->bottom > 0;
}

/*
 * Write the next component of the cells with a flag to w->queue, from cell *next on, and take the
 * flag from its cells. Cells that share a corner are connected. Return the number of its cells.
 */
static int hg_component(hg_preprocessing *w, int flag, int *next, hg_box *box) {
    int count = 0;
    while (*next < w->high * w->wide && !hg_has(w, *next, flag)) ++*next;
    if (*next == w->high * w->wide) return 0;
    *box = hg_empty_box(w);
    w->queue[count++] = (uint16_t)*next;
    hg_unmark(w, *next, flag);
    for (int k = 0; k < count; k++) {
        const int y = w->queue[k] / w->wide, x = w->queue[k] % w->wide;
        hg_extend(box, y, x);
        for (int i = hg_max(y - 1, 0); i <= hg_min(y + 1, w->high - 1); i++) {
            for (int j = hg_max(x - 1, 0); j <= hg_min(x + 1, w->wide - 1); j++) {
                const int near = i * w->wide + j;
                if (hg_has(w, near, flag)) w->queue[count++] = (uint16_t)near;
                hg_unmark(w, near, flag);
            }
        }
    }
    return count;
}

/* Return the number of cells of an axis with `size` pixels, in an image of H x W pixels. */
static int hg_cells_of(int size, int H, int W) {
    const int longest = hg_max(H, W);
    return longest > HG_CELLS_SIDE ? hg_max(1, size * HG_CELLS_SIDE / longest) : size;
}

/* Give HG_INK and HG_KEPT to the cells with a pixel of a mask, and clear all other flags. */
static void hg_in_cells(hg_preprocessing *w, const uint8_t *mask, int H, int W) {
    w->high = hg_cells_of(H, H, W);
    w->wide = hg_cells_of(W, H, W);
    for (int k = 0; k < w->high * w->wide; k++) w->cells[k] = 0;
    for (int i = 0; i < H; i++) {
        for (int j = 0; j < W; j++) {
            const int cell = i * w->high / H * w->wide + j * w->wide / W;
            if (mask[i * W + j]) hg_mark(w, cell, HG_INK | HG_KEPT);
        }
    }
}

/* Find the components along half of a side of the image, or in one of its corners. */
static void hg_find_dark_edges(hg_preprocessing *w) {
    const int h = w->high, v = w->wide;
    int next = 0, count;
    hg_box box;
    hg_select(w, HG_TODO, HG_KEPT, 0);
    while ((count = hg_component(w, HG_TODO, &next, &box)) > 0) {
        int first = 0, last = 0, left = 0, right = 0, corner = 0;
        for (int k = 0; k < count; k++) {
            const int y = w->queue[k] / v, x = w->queue[k] % v;
            first += y == 0;
            last += y == h - 1;
            left += x == 0;
            right += x == v - 1;
            if ((y == 0 || y == h - 1) && (x == 0 || x == v - 1)) corner = 1;
        }
        if (corner || 2 * hg_max(first, last) >= v || 2 * hg_max(left, right) >= h) {
            for (int k = 0; k < count; k++) hg_mark(w, w->queue[k], HG_FOUND);
        }
    }
}

/*
 * Return on how many sides of other ink the component with HG_PART lies. The other ink is in the
 * interior of its box. If it has less than a quarter of the height of the box, the result is 0.
 */
static int hg_sides(const hg_preprocessing *w, const hg_box *box) {
    hg_box rest = hg_empty_box(w);
    int left = 0, right = 0, above = 0, below = 0;
    for (int y = box->top + 1; y < box->bottom - 1; y++) {
        for (int x = box->left + 1; x < box->right - 1; x++) {
            const int k = y * w->wide + x;
            if (hg_has(w, k, HG_KEPT) && !hg_has(w, k, HG_PART)) hg_extend(&rest, y, x);
        }
    }
    if (rest.bottom == 0 || 4 * (rest.bottom - rest.top) < box->bottom - box->top) return 0;
    const int row = (rest.top + rest.bottom) / 2, column = (rest.left + rest.right) / 2;
    for (int x = 0; x < w->wide; x++) {
        if (!hg_has(w, row * w->wide + x, HG_PART)) continue;
        if (x < rest.left) left = 1;
        if (x >= rest.right) right = 1;
    }
    for (int y = 0; y < w->high; y++) {
        if (!hg_has(w, y * w->wide + column, HG_PART)) continue;
        if (y < rest.top) above = 1;
        if (y >= rest.bottom) below = 1;
    }
    return left + right + above + below;
}

/*
 * Give HG_ACROSS to the cells of the component with HG_PART that lie in nearly horizontal lines, and
 * HG_CROSSED_ACROSS to those of them that other ink crosses. Return the number of groups of rows.
 *
 * A line has at least half of the `width` of the component if it is as wide as the image, and
 * otherwise four fifths. It may leave its row by one cell. It is at most 6 cells thick. With
 * is_down = 1, the same is done for columns, with HG_DOWN and HG_CROSSED_DOWN.
 */
static int hg_lines(hg_preprocessing *w, int width, int is_down) {
    const int rows = is_down ? w->wide : w->high, columns = is_down ? w->high : w->wide;
    const int down = is_down ? 1 : w->wide, along = is_down ? w->wide : 1;
    const int line = is_down ? HG_DOWN : HG_ACROSS;
    const int crossed = is_down ? HG_CROSSED_DOWN : HG_CROSSED_ACROSS;
    const int length = hg_max(1, 20 * width >= 19 * columns ? width / 2 : width * 4 / 5);
    int groups = 0, before = 0;
    for (int y = 0; y < rows; y++) { /* runs along the row, in it or beside it */
        int start = 0;
        for (int x = 0; x <= columns; x++) {
            int near = 0;
            for (int i = hg_max(y - 1, 0); x < columns && i <= hg_min(y + 1, rows - 1); i++) {
                near |= hg_has(w, i * down + x * along, HG_PART);
            }
            if (near) continue;
            for (int k = start; x - start >= length && k < x; k++) {
                if (hg_has(w, y * down + k * along, HG_PART)) hg_mark(w, y * down + k * along, line);
            }
            start = x + 1;
        }
    }
    for (int x = 0; x < columns; x++) { /* parts of strokes are thicker */
        int start = 0;
        for (int y = 0; y <= rows; y++) {
            if (y < rows && hg_has(w, y * down + x * along, HG_PART)) continue;
            for (int k = start; y - start > 6 && k < y; k++) hg_unmark(w, k * down + x * along, line);
            start = y + 1;
        }
    }
    for (int y = 0; y < rows; y++) {
        int has = 0;
        for (int x = 0; x < columns; x++) {
            int above = 0, below = 0;
            if (!hg_has(w, y * down + x * along, line)) continue;
            has = 1;
            for (int k = 1; k <= 3; k++) {
                const int up = (y - k) * down + x * along, to = (y + k) * down + x * along;
                if (y >= k && hg_has(w, up, HG_PART) && !hg_has(w, up, line)) above = 1;
                if (y + k < rows && hg_has(w, to, HG_PART) && !hg_has(w, to, line)) below = 1;
            }
            if (above && below) hg_mark(w, y * down + x * along, crossed);
        }
        groups += has && !before;
        before = has;
    }
    return groups;
}

/*
 * Find the long straight lines of the component with HG_PART, if it is a box (two lines in each
 * direction) or part of ruled paper (two lines across the whole image). Where other ink crosses a
 * line, the ink remains. The rough edges of the lines, at most two cells wide, are found as well.
 */
static void hg_find_lines_in(hg_preprocessing *w, const hg_box *box, int across, int down) {
    const int is_wide = 20 * (box->right - box->left) >= 19 * w->wide;
    const int is_high = 20 * (box->bottom - box->top) >= 19 * w->high;
    const int takes_across = across >= 2 && (down >= 2 || is_wide);
    const int takes_down = down >= 2 && (across >= 2 || is_high);
    int any = 0, next = 0, count;
    hg_box rest;
    for (int k = 0; k < w->high * w->wide; k++) {
        hg_unmark(w, k, HG_REST);
        if (!hg_has(w, k, HG_PART)) continue;
        const int is_across = hg_has(w, k, HG_ACROSS) && !hg_has(w, k, HG_CROSSED_ACROSS);
        const int is_down = hg_has(w, k, HG_DOWN) && !hg_has(w, k, HG_CROSSED_DOWN);
        if ((takes_across && is_across) || (takes_down && is_down)) {
            hg_mark(w, k, HG_FOUND);
            any = 1;
        } else {
            hg_mark(w, k, HG_REST);
        }
    }
    while (any && (count = hg_component(w, HG_REST, &next, &rest)) > 0) {
        if (hg_min(rest.bottom - rest.top, rest.right - rest.left) > 2) continue;
        for (int k = 0; k < count; k++) hg_mark(w, w->queue[k], HG_FOUND);
    }
}

/* Find frames with what is outside them, open boxes, and the lines of boxes and of ruled paper. */
static void hg_find_frames(hg_preprocessing *w) {
    const int lines = HG_ACROSS | HG_DOWN | HG_CROSSED_ACROSS | HG_CROSSED_DOWN;
    int next = 0, count;
    hg_box box;
    hg_select(w, HG_TODO, HG_KEPT, 0);
    while ((count = hg_component(w, HG_TODO, &next, &box)) > 0) {
        const int a = box.bottom - box.top, b = box.right - box.left;
        if (hg_max(a, b) < hg_max(w->high, w->wide) / 8) continue;
        hg_select(w, HG_PART | lines, 0, 0);
        for (int k = 0; k < count; k++) hg_mark(w, w->queue[k], HG_PART);
        const int sides = hg_sides(w, &box);
        const int across = sides == 4 ? 0 : hg_lines(w, b, 0);
        const int down = sides == 4 ? 0 : hg_lines(w, a, 1);
        if (sides == 4) {
            for (int k = 0; k < w->high * w->wide; k++) {
                const int y = k / w->wide, x = k % w->wide;
                const int is_outside = y < box.top || y >= box.bottom || x < box.left || x >= box.right;
                if (hg_has(w, k, HG_PART) || (is_outside && hg_has(w, k, HG_KEPT))) {
                    hg_mark(w, k, HG_FOUND);
                }
            }
        } else if (sides == 3 && hg_min(across, down) >= 1 && across + down >= 3) {
            for (int k = 0; k < count; k++) hg_mark(w, w->queue[k], HG_FOUND);
        } else {
            hg_find_lines_in(w, &box, across, down);
        }
    }
    hg_select(w, HG_PART | lines | HG_REST, 0, 0);
}

/* Find the components that are lines below, above or beside the remaining ink. */
static void hg_find_straight_lines(hg_preprocessing *w) {
    hg_box rest = hg_empty_box(w), box;
    for (int pass = 0; pass < 2; pass++) { /* first the remaining ink, then the lines outside it */
        const int high = rest.bottom - rest.top, wide = rest.right - rest.left;
        int next = 0, count;
        hg_select(w, HG_TODO, HG_KEPT, 0);
        while ((count = hg_component(w, HG_TODO, &next, &box)) > 0) {
            const int a = box.bottom - box.top, b = box.right - box.left;
            const int is_flat = b >= 5 * a;
            if (!is_flat && (a < 5 * b || 10 * a < 9 * w->high)) { /* it is no line */
                if (pass == 0) {
                    hg_extend(&rest, box.top, box.left);
                    hg_extend(&rest, box.bottom - 1, box.right - 1);
                }
                continue;
            }
            if (pass == 0 || rest.bottom == 0) continue;
            const int is_below = box.top >= rest.bottom && 5 * b >= 3 * wide;
            const int is_found = is_flat ? 6 * high >= b && (is_below || 4 * b >= 5 * wide)
                                         : 6 * high >= w->high;
            for (int k = 0; is_found && k < count; k++) hg_mark(w, w->queue[k], HG_FOUND);
        }
    }
}

/* Remove the found ink if enough ink remains, and forget what was found. */
static void hg_remove_found(hg_preprocessing *w) {
    hg_box rest, before;
    if (hg_box_of(w, HG_KEPT, HG_FOUND, &rest) && hg_box_of(w, HG_KEPT, 0, &before)) {
        const int side = hg_max(rest.bottom - rest.top, rest.right - rest.left);
        if (6 * side >= before.bottom - before.top) hg_select(w, HG_KEPT, HG_KEPT, HG_FOUND);
    }
    hg_select(w, HG_FOUND, 0, 0);
}

/* The step: pixels become 0 in cells whose ink was removed, and in the empty cells around them. */
static void hg_remove_lines(hg_preprocessing *w, hg_image *X, int min_side) {
    const int H = X->height, W = X->width;
    if (hg_max(H, W) < min_side) return;
    hg_above(X, hg_otsu_threshold(X) / 2, 0, w->spare[0]);
    hg_in_cells(w, w->spare[0], H, W);
    hg_find_dark_edges(w);
    hg_remove_found(w);
    hg_find_frames(w);
    hg_remove_found(w);
    hg_find_straight_lines(w);
    hg_remove_found(w);
    for (int k = 0; k < w->high * w->wide; k++) {
        const int y = k / w->wide, x = k % w->wide;
        if (!hg_has(w, k, HG_INK) || hg_has(w, k, HG_KEPT)) continue;
        for (int i = hg_max(y - 1, 0); i <= hg_min(y + 1, w->high - 1); i++) {
            for (int j = hg_max(x - 1, 0); j <= hg_min(x + 1, w->wide - 1); j++) {
                if (!hg_has(w, i * w->wide + j, HG_KEPT)) hg_mark(w, i * w->wide + j, HG_FOUND);
            }
        }
    }
    for (int i = 0; i < H; i++) {
        for (int j = 0; j < W; j++) {
            const int cell = i * w->high / H * w->wide + j * w->wide / W;
            if (hg_has(w, cell, HG_FOUND)) X->data[i * W + j] = 0;
        }
    }
}
