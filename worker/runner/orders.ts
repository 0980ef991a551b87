/** Descriptor on which our own runners read items. Other programs read them from their standard input. */
export const ORDERS = 4;
