// Versions of the provider plugins: those of the SDKs, which package.json pins.
import packageJson from "../package.json" with { type: "json" };

export const pluginVersions = {
  kubernetes: packageJson.devDependencies["@pulumi/kubernetes"],
  docker: packageJson.devDependencies["@pulumi/docker"],
};
