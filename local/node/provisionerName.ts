/** Name under which the storage class asks the volume provisioner for volumes. */
export const provisionerName = "job-wq-2/local";
