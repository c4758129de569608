/**
 * Values by key for a while, each the newest that was set. It may forget anything at any time, so
 * nothing may depend on what it holds; every call ends soon, whatever the cache's state.
 */
export interface Cache {
  /** The value of the key, unless it expired or was forgotten. */
  get(key: string): Promise<string | undefined>;
  /**
   * Sets the value for `ttlMs`, unless one of this version or a newer one is there: that one stays,
   * and expires when it would have. `version` is a whole number of at least 0.
   */
  setIfNewer(args: { key: string; version: number; value: string; ttlMs: number }): Promise<void>;
}
