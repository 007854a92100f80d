/* The memory of the preprocessing. */
typedef struct {
    uint8_t *spare[2];                     /* the two images that are not in use */
    int32_t weights[HG_SIDE];              /* of a filter */
    int32_t lines[HG_ROWS + HG_COLUMNS];   /* the lengths of runs of equal lines */
    int high, wide;                        /* the number of cells */
    uint16_t cells[HG_CELLS];              /* the flags of each cell, which lines.h explains */
    uint16_t queue[HG_CELLS];              /* the cells of a component */
    uint8_t images[3][HG_ROWS * HG_COLUMNS * HG_COLOURS];
} hg_preprocessing;
