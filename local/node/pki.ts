// Certificates for the parts of the cluster, and a kubeconfig for each of them.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { run } from "../host/exec.ts";
import { kubeconfig, pkiDir, ports, stateDir } from "../paths.ts";
import { allNodes } from "./nodes.ts";

/**
 * Clients of the API server, and the subjects of their certificates. A kubelet may change only the node that its
 * certificate names.
 */
const clients: Record<string, string> = {
  admin: "/O=system:masters/CN=admin",
  "controller-manager": "/CN=system:kube-controller-manager",
  scheduler: "/CN=system:kube-scheduler",
  proxy: "/CN=system:kube-proxy",
  coredns: "/O=system:masters/CN=coredns",
  provisioner: "/O=system:masters/CN=provisioner",
  ...Object.fromEntries(allNodes.map(({ name, kubelet }) => [kubelet, `/O=system:nodes/CN=system:node:${name}`])),
};

/** Path of a client's kubeconfig; the admin's is the one that people use. */
export const kubeconfigOf = (name: string) => (name === "admin" ? kubeconfig : join(stateDir, `${name}.kubeconfig`));

const file = (name: string) => join(pkiDir, name);
const openssl = (...args: string[]) => run("openssl", args, { cwd: pkiDir });
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const forTenYears = ["-days", "3650"];

async function sign(name: string, subject: string, extensions: string[]): Promise<void> {
  const ext = extensions.flatMap((extension) => ["-addext", extension]);
  await openssl("req", "-new", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject, ...ext);
  const ca = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copyall"];
  await openssl("x509", "-req", "-in", `${name}.csr`, ...ca, ...forTenYears, "-out", `${name}.crt`);
  rmSync(file(`${name}.csr`));
}

/** The authority, the key of service accounts, and the API server's certificate. */
async function makeAuthority(address: string): Promise<void> {
  rmSync(pkiDir, { recursive: true, force: true });
  mkdirSync(pkiDir, { recursive: true, mode: 0o700 });
  const subject = ["-subj", "/CN=job-wq-2"];
  await openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.crt", ...forTenYears, ...subject);
  await openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key");
  await openssl("ec", "-in", "sa.key", "-pubout", "-out", "sa.pub");
  const service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
  const names = [...service, "kubernetes.default.svc.cluster.local", "localhost"].map((dns) => `DNS:${dns}`);
  const addresses = ["127.0.0.1", "10.96.0.1", address].map((ip) => `IP:${ip}`);
  await sign("apiserver", "/CN=kube-apiserver", [
    `subjectAltName=${[...names, ...addresses].join(",")}`,
    "extendedKeyUsage=serverAuth,clientAuth",
  ]);
}

async function makeClient(name: string, subject: string): Promise<void> {
  await sign(name, subject, ["extendedKeyUsage=clientAuth"]);
  const base64 = (path: string) => readFileSync(file(path)).toString("base64");
  const server = `https://127.0.0.1:${ports.apiserver}`;
  const credentials = {
    "client-certificate-data": base64(`${name}.crt`),
    "client-key-data": base64(`${name}.key`),
  };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "job-wq-2", cluster: { server, "certificate-authority-data": base64("ca.crt") } }],
    users: [{ name, user: credentials }],
    contexts: [{ name: "job-wq-2", context: { cluster: "job-wq-2", user: name } }],
    "current-context": "job-wq-2",
  };
  writeFileSync(kubeconfigOf(name), stringify(config), { mode: 0o600 });
}

/** Makes what is missing; all of it when the machine's address changed. */
export async function makePki(address: string): Promise<string> {
  const stamp = file("address");
  const isOld = !existsSync(stamp) || readFileSync(stamp, "utf8") !== address;
  if (isOld) await makeAuthority(address);
  const missing = Object.entries(clients).filter(
    ([name]) => !existsSync(file(`${name}.crt`)) || !existsSync(kubeconfigOf(name)),
  );
  for (const [name, subject] of missing) await makeClient(name, subject);
  writeFileSync(stamp, address);
  return missing.length ? "made" : "there already";
}
