// Certificates for the parts of the cluster, and a kubeconfig for each of them.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { hash } from "../host/cache.ts";
import { run } from "../host/exec.ts";
import { bridgeAddress, ports, serviceSubnet } from "../addresses.ts";
import { kubeconfig, pkiDir, stateDir } from "../paths.ts";
import { allNodes } from "./nodes.ts";

/**
 * Clients of the API server, and the subjects of their certificates. A kubelet may change only the node that its
 * certificate names; what the others may do is in rights.ts and in Kubernetes's own roles.
 */
const clients: Record<string, string> = {
  admin: "/O=system:masters/CN=admin",
  "controller-manager": "/CN=system:kube-controller-manager",
  scheduler: "/CN=system:kube-scheduler",
  proxy: "/CN=system:kube-proxy",
  coredns: "/CN=coredns",
  provisioner: "/CN=provisioner",
  ...Object.fromEntries(allNodes.map(({ name, kubelet }) => [kubelet, `/O=system:nodes/CN=system:node:${name}`])),
};

/** Path of a client's kubeconfig; the admin's is the one that people use. */
export const kubeconfigOf = (name: string) => (name === "admin" ? kubeconfig : join(stateDir, `${name}.kubeconfig`));

const service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];
/** Names and addresses by which the servers are called. */
const serverNames = {
  apiserver: [
    ...[...service, "localhost"].map((name) => `DNS:${name}`),
    ...["127.0.0.1", serviceSubnet.replace(/\.0\/.*/, ".1"), bridgeAddress].map((address) => `IP:${address}`),
  ],
  etcd: ["DNS:localhost", "IP:127.0.0.1"],
};

const file = (name: string) => join(pkiDir, name);
const openssl = (...args: string[]) => run("openssl", args, { cwd: pkiDir });
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const forTenYears = ["-days", "3650"];

async function makeAuthority(name: string): Promise<void> {
  const subject = ["-subj", `/CN=job-wq-2 ${name}`];
  await openssl("req", "-x509", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.crt`, ...forTenYears, ...subject);
}

async function sign(authority: string, name: string, subject: string, extensions: string[]): Promise<void> {
  const ext = extensions.flatMap((extension) => ["-addext", extension]);
  await openssl("req", "-new", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject, ...ext);
  const ca = [
    "-CA",
    `${authority}.crt`,
    "-CAkey",
    `${authority}.key`,
    "-CAcreateserial",
    "-copy_extensions",
    "copyall",
  ];
  await openssl("x509", "-req", "-in", `${name}.csr`, ...ca, ...forTenYears, "-out", `${name}.crt`);
  rmSync(file(`${name}.csr`));
}

const forClients = ["extendedKeyUsage=clientAuth"];
const forServers = (names: string[]) => [`subjectAltName=${names.join(",")}`, "extendedKeyUsage=serverAuth,clientAuth"];

function writeKubeconfig(name: string): void {
  const base64 = (path: string) => readFileSync(file(path)).toString("base64");
  const server = `https://${bridgeAddress}:${ports.apiserver}`;
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

/**
 * All certificates: the cluster's authority, etcd's own (its clients can read every Secret), and what each has signed.
 */
async function makeAll(): Promise<void> {
  rmSync(pkiDir, { recursive: true, force: true });
  mkdirSync(pkiDir, { recursive: true, mode: 0o700 });
  await Promise.all([makeAuthority("ca"), makeAuthority("etcd-ca")]);
  await openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key");
  await openssl("ec", "-in", "sa.key", "-pubout", "-out", "sa.pub");
  await sign("etcd-ca", "etcd", "/CN=etcd", forServers(serverNames.etcd));
  await sign("etcd-ca", "etcd-client", "/CN=kube-apiserver-etcd-client", forClients);
  await sign("ca", "apiserver", "/CN=kube-apiserver", forServers(serverNames.apiserver));
  for (const [name, subject] of Object.entries(clients)) {
    await sign("ca", name, subject, forClients);
    writeKubeconfig(name);
  }
}

/** Makes the certificates if they are missing, or differ from these. */
export async function makePki(): Promise<string> {
  const stamp = file("made-for");
  const wanted = hash([JSON.stringify({ clients, serverNames })]);
  const isMade = existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;
  if (isMade && Object.keys(clients).every((name) => existsSync(kubeconfigOf(name)))) return "there already";
  await makeAll();
  writeFileSync(stamp, wanted);
  return "made";
}
