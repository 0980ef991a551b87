// Runs a plugin for as long as its engine lives.
import { main, type Provider } from "@pulumi/pulumi/provider/index.js";

/** Serves the engine that started it. An engine that was killed cannot end its plugins, so they see to it themselves, as the official ones do. */
export async function serve(provider: Provider): Promise<void> {
  const engine = process.ppid;
  setInterval(() => process.ppid === engine || process.exit(1), 1000).unref();
  await main(provider, process.argv.slice(2));
}
