/** Descriptor of the items of our own runners. Other programs read them from their standard input. */
export const ORDERS = 4;
