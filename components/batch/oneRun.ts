import type * as pulumi from "@pulumi/pulumi";

/**
 * Options of a Batch whose children the next run may replace. `protect` and `retainOnDelete` would be theirs as well,
 * and every change of the items would end in an error. They hold for the Batch itself, and for its Redis.
 */
export function ofOneRun<T extends pulumi.ComponentResourceOptions>(opts: T): T {
  const open: pulumi.ResourceTransformation = ({ type, props, opts: own }) =>
    type.startsWith("kubernetes:") ? { props, opts: { ...own, protect: false, retainOnDelete: false } } : undefined;
  return { ...opts, transformations: [...(opts.transformations ?? []), open] };
}
