// In place of Pulumi's SDK of Kubernetes for Go, which takes four fifths of the provider's compile time for three names:
// those of its components for YAML, Helm charts and Kustomize, which this build of the provider refuses.
module github.com/pulumi/pulumi-kubernetes/sdk/v4

go 1.26

require github.com/pulumi/pulumi/sdk/v3 v3.230.0
