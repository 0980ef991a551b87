// Certificates for the parts of the cluster, and a kubeconfig for each of them.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { kubeconfig, nodeName, pkiDir, ports, stateDir } from "../paths.ts";
import { run } from "../host/exec.ts";

/** Who talks to the API server, and as whom. */
const clients: Record<string, string> = {
  admin: "/O=system:masters/CN=admin",
  "controller-manager": "/CN=system:kube-controller-manager",
  scheduler: "/CN=system:kube-scheduler",
  proxy: "/CN=system:kube-proxy",
  kubelet: `/O=system:nodes/CN=system:node:${nodeName}`,
  coredns: "/O=system:masters/CN=coredns",
};

/** The kubeconfig of one of them; the person's own is the admin's. */
export const kubeconfigOf = (name: string) => (name === "admin" ? kubeconfig : join(stateDir, `${name}.kubeconfig`));

const file = (name: string) => join(pkiDir, name);
const openssl = (...args: string[]) => run("openssl", args, { cwd: pkiDir });
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

async function sign(name: string, subject: string, extensions: string[]): Promise<void> {
  const ext = extensions.flatMap((extension) => ["-addext", extension]);
  await openssl("req", "-new", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject, ...ext);
  const ca = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copyall"];
  await openssl("x509", "-req", "-in", `${name}.csr`, ...ca, "-days", "3650", "-out", `${name}.crt`);
  rmSync(file(`${name}.csr`));
}

/** Makes them once for each address of the node. */
export async function makePki(address: string): Promise<string> {
  const stamp = file("address");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === address) return "there already";
  rmSync(pkiDir, { recursive: true, force: true });
  mkdirSync(pkiDir, { recursive: true, mode: 0o700 });
  await openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-days",
    "3650",
    "-subj",
    "/CN=job-wq-2",
  );
  await openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key");
  await openssl("ec", "-in", "sa.key", "-pubout", "-out", "sa.pub");
  const cluster = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
  ];
  const names = [...cluster, "localhost"].map((dns) => `DNS:${dns}`);
  const addresses = ["127.0.0.1", "10.96.0.1", address].map((ip) => `IP:${ip}`);
  await sign("apiserver", "/CN=kube-apiserver", [
    `subjectAltName=${[...names, ...addresses].join(",")}`,
    "extendedKeyUsage=serverAuth,clientAuth",
  ]);
  for (const [name, subject] of Object.entries(clients)) {
    await sign(name, subject, ["extendedKeyUsage=clientAuth"]);
    const text = (path: string) => readFileSync(file(path)).toString("base64");
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "job-wq-2",
          cluster: { server: `https://127.0.0.1:${ports.apiserver}`, "certificate-authority-data": text("ca.crt") },
        },
      ],
      users: [
        { name, user: { "client-certificate-data": text(`${name}.crt`), "client-key-data": text(`${name}.key`) } },
      ],
      contexts: [{ name: "job-wq-2", context: { cluster: "job-wq-2", user: name } }],
      "current-context": "job-wq-2",
    };
    writeFileSync(kubeconfigOf(name), stringify(config), { mode: 0o600 });
  }
  writeFileSync(stamp, address);
  return "made";
}
