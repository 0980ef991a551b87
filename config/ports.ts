// Ports of the pods (worker/README.md).

/** Redis's own. */
export const REDIS_PORT = 6379;
/** A worker's probes. */
export const HEALTH_PORT = 9463;
/** The supervisor's metrics. */
export const METRICS_PORT = 9464;
/** Loopback of the supervisor: a relay of `wq` to Redis. */
export const RELAY_PORT = 6380;
