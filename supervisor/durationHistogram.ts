import type { Metric } from "prom-client";
import type { Durations } from "../queue/index.ts";

/** A histogram that is counted elsewhere: with the library's own, each observation would have to be made here. */
export function durationHistogram(
  name: string,
  help: string,
  read: () => Promise<Durations | undefined> | undefined,
): Metric {
  const get = async () => {
    const { buckets = [], sumMs = 0 } = (await read()) ?? {};
    let attempts = 0;
    const values = buckets.map((bucket) => {
      attempts += bucket.attempts;
      const le = bucket.limitMs === Infinity ? "+Inf" : bucket.limitMs / 1000;
      return { metricName: `${name}_bucket`, labels: { le }, value: attempts };
    });
    values.push(
      { metricName: `${name}_sum`, labels: {} as { le: number }, value: sumMs / 1000 },
      { metricName: `${name}_count`, labels: {} as { le: number }, value: attempts },
    );
    return { name, help, type: "histogram", values, aggregator: "sum" };
  };
  return { name, help, type: "histogram", get, reset: () => {} } as unknown as Metric;
}
