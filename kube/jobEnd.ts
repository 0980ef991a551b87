import type { V1Job } from "@kubernetes/client-node";

/** The end of a Job; undefined while it has none. */
export function jobEnd({ status }: V1Job): "Complete" | "Failed" | undefined {
  const end = status?.conditions?.find(
    ({ type, status }) => status === "True" && (type === "Complete" || type === "Failed"),
  );
  return end?.type as "Complete" | "Failed" | undefined;
}
