// The bridge that connects the pods, and the removal of links and rules when the platform goes.
import { existsSync, readFileSync } from "node:fs";
import { execa } from "execa";
import { bridge, bridgeAddress, ports } from "../addresses.ts";
import { run } from "../host/exec.ts";
import { setSysctl } from "../host/sysctls.ts";

const bridgeRules = "net/bridge/bridge-nf-call-iptables";

/**
 * Applies kube-proxy's rules to packets between pods on the bridge. Otherwise a Service's answer would come from the
 * wrong address.
 */
async function filterBridges(): Promise<void> {
  if (!existsSync(`/proc/sys/${bridgeRules}`)) await execa("modprobe", ["br_netfilter"], { reject: false });
  setSysctl(bridgeRules, "1");
}

/** Makes the bridge before the first pod needs it, so that the name server has its address from the start. */
export async function makeBridge(): Promise<string> {
  setSysctl("net/ipv4/ip_forward", "1");
  await filterBridges();
  const there = await execa("ip", ["addr", "show", "dev", bridge], { reject: false });
  if (!there.failed && there.stdout.includes(`${bridgeAddress}/`)) return "there already";
  if (there.failed) await run("ip", ["link", "add", bridge, "type", "bridge"]);
  await run("ip", ["addr", "add", `${bridgeAddress}/24`, "dev", bridge]);
  await run("ip", ["link", "set", bridge, "up"]);
  return "made";
}

/**
 * Keeps other users of the machine from the registry: it has no login, and its images are what pods and builds run.
 * @returns False if the kernel has no such match: it stays open.
 */
export async function closeRegistry(): Promise<boolean> {
  const others = [
    "-p",
    "tcp",
    "-d",
    "127.0.0.1",
    "--dport",
    String(ports.registry),
    "-m",
    "owner",
    "!",
    "--uid-owner",
    "0",
  ];
  const rule = ["OUTPUT", ...others, ...COMMENT, "-j", "REJECT", "--reject-with", "tcp-reset"];
  const there = await execa("iptables", ["-C", ...rule], { reject: false });
  return !there.failed || !(await execa("iptables", ["-I", ...rule], { reject: false })).failed;
}

/**
 * The resolver file for pods that use the machine's resolver. Under systemd-resolved, /etc/resolv.conf names an address
 * of loopback, which leads elsewhere in a pod.
 */
export function podResolverFile(): string {
  const real = "/run/systemd/resolve/resolv.conf";
  return existsSync(real) ? real : "/etc/resolv.conf";
}

/** True if the machine has a resolver of its own. */
export function hasResolver(): boolean {
  try {
    return /^nameserver\s/m.test(readFileSync("/etc/resolv.conf", "utf8"));
  } catch {
    return false;
  }
}

/** Comment on our rule, as the rules of the pod network have it; iptables-save escapes the quotes. */
const COMMENT = ["-m", "comment", "--comment", 'name: "job-wq-2"'];
const OURS = /name: \\?"job-wq-2\\?"/;

/** A dump of iptables without the lines that Kubernetes and the pod network made; undefined when there are none. */
export function withoutOurRules(dump: string): string | undefined {
  const lines = dump.split("\n");
  const chains = (line: string) => [...line.matchAll(/(?:^:|-A |-j |-g )([\w-]+)/g)].map((match) => match[1]!);
  const ours = new Set(
    lines
      .filter((line) => OURS.test(line))
      .flatMap(chains)
      .filter((chain) => chain.startsWith("CNI-")),
  );
  // A chain without a rule, to which nothing leads, is left of a pod whose network was being made when its node was
  // killed.
  const used = new Set(lines.filter((line) => !line.startsWith(":")).flatMap(chains));
  const mine = (chain: string) =>
    chain.startsWith("KUBE-") ||
    ours.has(chain) ||
    /^CNI-(DN|HOSTPORT)/.test(chain) ||
    (/^CNI-[0-9a-f]{24}$/.test(chain) && !used.has(chain));
  const kept = lines.filter((line) => !OURS.test(line) && !chains(line).some(mine));
  return kept.length === lines.length ? undefined : kept.join("\n");
}

/** Removes the bridge, the links on it, and the rules. */
export async function removeNetwork(): Promise<void> {
  const { stdout } = await execa("ip", ["-j", "link", "show", "master", bridge], { reject: false });
  for (const { ifname } of JSON.parse(stdout || "[]") as { ifname: string }[]) {
    await execa("ip", ["link", "delete", ifname], { reject: false });
  }
  await execa("ip", ["link", "delete", bridge], { reject: false });
  for (const family of ["iptables", "ip6tables"]) {
    const dump = await execa(`${family}-save`, { reject: false });
    const kept = dump.failed ? undefined : withoutOurRules(`${dump.stdout}\n`);
    if (kept) await run(`${family}-restore`, [], { input: kept });
  }
}
