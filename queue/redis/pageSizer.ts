/** Bytes that one read may bring, roughly. */
const BYTES = 512 * 1024;

/**
 * How many items to read at a time: many small ones for few round trips, few large ones for flat memory. Goes by the
 * size of those read last, and starts small.
 */
export class PageSizer {
  size = 16;

  /** Learns from a page that was read. */
  observe(page: (Buffer | null)[]): void {
    const bytes = page.reduce((sum, item) => sum + (item?.length ?? 0), 0);
    const fits = Math.floor(BYTES / (bytes / Math.max(1, page.length) + 64));
    this.size = Math.max(1, Math.min(fits, this.size * 8, 2000));
  }
}
