/** Most bytes of files in a ConfigMap: Kubernetes takes 1 MiB, and a little is left for names. */
export const MAX_FILES_BYTES = 1_000_000;
