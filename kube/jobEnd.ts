import type { V1Job } from "@kubernetes/client-node";

/** How a Job ended; undefined while it has not. */
export function jobEnd({ status }: V1Job): "Complete" | "Failed" | undefined {
  const end = status?.conditions?.find(
    ({ type, status }) => status === "True" && (type === "Complete" || type === "Failed"),
  );
  return end?.type as "Complete" | "Failed" | undefined;
}
