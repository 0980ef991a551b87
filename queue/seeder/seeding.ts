import type { ItemSource, SeedOptions, SeedReport } from "../types.ts";

/** State that the passes of one seeding share. */
export interface Seeding {
  source: ItemSource;
  options: SeedOptions;
  report: SeedReport;
  /** Redis was found to have room for the items. */
  roomChecked?: boolean;
  /** Number of seeded items, as far as the last pass knows. */
  offset?: number;
  /** To be called at each step forward. */
  onStep: () => void;
}

/** State of the batch at the end of a pass. */
export interface PassResult {
  /** Items of the source, and the digest of them. */
  offset: number;
  digest: string;
  /** Items that are done or in flight and no longer in the source: should they come back, they must not run again. */
  retired: number;
}
