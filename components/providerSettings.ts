import * as pulumi from "@pulumi/pulumi";

/** The settings of the Kubernetes provider that a component's resources have, for code that asks the API server itself. */
export function providerSettings(component: pulumi.ComponentResource): {
  kubeconfig: pulumi.Output<string | undefined>;
  context: pulumi.Output<string | undefined>;
} {
  const explicit = component.getProvider("kubernetes:core/v1:Pod") as
    { kubeconfig?: pulumi.Output<string>; context?: pulumi.Output<string> } | undefined;
  if (explicit) return { kubeconfig: pulumi.output(explicit.kubeconfig), context: pulumi.output(explicit.context) };
  const config = new pulumi.Config("kubernetes");
  return { kubeconfig: pulumi.output(config.getSecret("kubeconfig")), context: pulumi.output(config.get("context")) };
}
