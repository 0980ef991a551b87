// Labels and annotations of this project's objects that both the components and `wq` read.

/** Labels of every object. */
export const APP = { "app.kubernetes.io/name": "job-wq-2" };
/** Label with the role of an object: `redis`, `worker`, `seed`, `supervisor`, `relay` … */
export const COMPONENT = "app.kubernetes.io/component";
/** Annotation of everything that is created: the stack that it is of, `project/stack`. */
export const OWNER = "job-wq-2/owner";
/** Annotation that tells stacks of one name apart (components/cluster/owner.ts). */
export const STACK_KEY = "job-wq-2/stack-key";
