import assert from "node:assert/strict";
import type { CoreV1Event, V1ContainerState, V1Pod } from "@kubernetes/client-node";
import { endProblem, endWords, lifeProblem, lossProblem } from "../../../kube/podEnds.ts";
import { admissionProblem, hasStarted, podProblem, slowProblem } from "../../../kube/podProblems.ts";

const image = "ghcr.io/you/job-wq-2:1";
const status = (state?: V1ContainerState) => ({ name: "c", image, imageID: "", ready: false, restartCount: 0, state });
const pod = (state?: V1ContainerState): V1Pod => ({
  metadata: { name: "p" },
  status: { containerStatuses: [status(state)] },
});
const waits = (reason: string, message?: string) => pod({ waiting: { reason, message } });
const ask =
  "is the name right, and may the cluster pull it (`registryUsername` and `registryPassword`, or `pullSecret`)?";

describe("what keeps pods from starting", () => {
  it("is an image that no pod can pull, with the registry's reason on one line", () => {
    const failed = waits("ErrImagePull", `failed to resolve reference "${image}": not found\nmore`);
    const reason = `failed to resolve reference "${image}": not found`;
    const problem = { fatal: true, line: `The cluster cannot pull ${image}: ${reason}; ${ask}` };
    assert.deepEqual(podProblem([failed, failed]), problem);
    const message = `Back-off pulling image "${image}": ErrImagePull: rpc error: code = NotFound desc = ${reason}`;
    assert.deepEqual(podProblem([waits("ImagePullBackOff", message)]), problem);
    const never = `The cluster cannot pull ${image}: ErrImageNeverPull; ${ask}`;
    assert.deepEqual(podProblem([waits("ErrImageNeverPull")]), { fatal: true, line: never });
  });

  it("may be the image of an init container", () => {
    const init: V1Pod = {
      status: {
        initContainerStatuses: [
          { ...status({ waiting: { reason: "ErrImagePull", message: "denied" } }), image: "items" },
        ],
        containerStatuses: [status({ waiting: { reason: "PodInitializing" } })],
      },
    };
    assert.equal(podProblem([init])?.line, `The cluster cannot pull items: denied; ${ask}`);
  });

  it("may be a Secret or ConfigMap that does not exist", () => {
    const problem = podProblem([waits("CreateContainerConfigError", 'secret "token" not found')]);
    assert.deepEqual(problem, { fatal: true, line: 'Pod p does not start: secret "token" not found' });
  });

  it("may be that no node takes a pod, which waiting may solve", () => {
    const message = "0/2 nodes are available: 2 Insufficient cpu.";
    const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
    const problem = podProblem([{ metadata: { name: "p" }, status: { conditions } }]);
    assert.deepEqual(problem, { fatal: false, line: `Pod p waits for a node: ${message}` });
  });

  it("is that of the wanted pods: pods that failed, or are being deleted, stay listed for a while", async () => {
    const failed: V1Pod = { metadata: { name: "e" }, status: { phase: "Failed" } };
    const leaving: V1Pod = { ...pod({ running: {} }), metadata: { name: "t", deletionTimestamp: new Date(0) } };
    const waiting = waits("ErrImagePull", "no");
    assert.match(podProblem([failed, leaving, waiting])!.line, /^The cluster cannot pull/);
    const slow: V1Pod = { metadata: { name: "p" }, status: { phase: "Pending", startTime: new Date(-120_000) } };
    const events = (name: string) => Promise.resolve([{ message: `of ${name}` } as CoreV1Event]);
    assert.match((await slowProblem([failed, leaving, slow], events, 0))!.line, /^Pod p has not started .*: of p$/);
    assert.equal(podProblem([failed, leaving]), undefined);
  });

  it("may be that the API server admits no pod", () => {
    const message = 'Error creating: pods "job-wq-2-x" is forbidden: exceeded quota: q';
    const event = { metadata: {}, involvedObject: {}, reason: "FailedCreate", message };
    const line = 'Job job-wq-2 gets no pod: pods "job-wq-2-x" is forbidden: exceeded quota: q';
    assert.deepEqual(admissionProblem("Job job-wq-2", [event]), { fatal: true, line });
    assert.equal(admissionProblem("Job job-wq-2", []), undefined);
  });

  it("is nothing while a pod is starting, or there is no pod yet", () => {
    assert.equal(podProblem([]), undefined);
    assert.equal(podProblem([{}]), undefined);
    assert.equal(podProblem([waits("ErrImagePull", "no"), waits("ContainerCreating")]), undefined);
    assert.equal(podProblem([waits("CrashLoopBackOff", "no")]), undefined);
  });

  it("may be a volume, the network or a long pull: after a minute, in the words of the newest event", async () => {
    const slow = (minutes: number): V1Pod => ({
      metadata: { name: "p" },
      status: { phase: "Pending", startTime: new Date(-minutes * 60_000) },
    });
    const event = (seconds: number, reason: string, message: string) =>
      ({ lastTimestamp: new Date(seconds * 1000), reason, message }) as CoreV1Event;
    const scheduled = { eventTime: "1970-01-01T00:00:01.478640Z" as unknown, reason: "Scheduled" } as CoreV1Event;
    const message = 'MountVolume.SetUp failed for volume "rules" : configmap "rules" not found\nmore';
    const events = () => Promise.resolve([event(5, "FailedMount", message), scheduled]);
    const line = `Pod p has not started after a minute: ${message.split("\n")[0]}`;
    assert.deepEqual(await slowProblem([slow(2), slow(3)], events, 0), { fatal: false, about: "FailedMount", line });
    assert.equal(await slowProblem([slow(2), slow(0.5)], events, 0), undefined);
    assert.equal(await slowProblem([slow(2)], () => Promise.resolve([]), 0), undefined);
    assert.equal(await slowProblem([], events, 0), undefined);
  });

  it("is nothing once a container ran", () => {
    assert.ok(hasStarted(pod({ running: {} })));
    assert.ok(hasStarted(pod({ terminated: { exitCode: 1 } })));
    assert.ok(!hasStarted(waits("ErrImagePull")));
    assert.ok(!hasStarted({}));
  });

  describe("what keeps pods from staying", () => {
    const at = (seconds: number) => new Date(seconds * 1000);
    /** A worker whose container is in this state, and was restarted this often. */
    const worker = (state: V1ContainerState, restartCount = 0, last?: V1ContainerState, ready?: Date): V1Pod => ({
      metadata: { name: "w" },
      status: {
        conditions: [{ type: "Ready", status: "False", lastTransitionTime: ready ?? at(0) }],
        containerStatuses: [{ ...status(state), restartCount, lastState: last }],
      },
    });
    const ended = (exitCode: number, message?: string, reason = "Error") => ({
      terminated: { exitCode, message, reason },
    });
    const down = (last: V1ContainerState) => worker({ waiting: { reason: "CrashLoopBackOff" } }, 1, last);
    const silent = () => Promise.resolve(undefined);
    const line = async (pods: V1Pod[], now = 0) => (await lifeProblem(pods, silent, now * 1000))?.line;

    it("is a program that ends again and again, with the last line of its log", async () => {
      const problem = await lifeProblem([down(ended(1, "starting\nTypeError: no such token\n"))], silent);
      const words = "Pod w keeps ending, with exit code 1: TypeError: no such token";
      assert.deepEqual(problem, { fatal: false, about: "with exit code 1", line: words });
      assert.equal(
        await line([down(ended(137, "", "OOMKilled"))]),
        "Pod w keeps ending, out of memory (OOMKilled): it printed nothing",
      );
      const between = worker({ running: { startedAt: at(5) } }, 1);
      assert.equal(await line([between, down(ended(2, "x"))], 9), "Pod w keeps ending, with exit code 2: x");
    });

    it("is told by its reason, and not by the lines that Node.js prints after it", async () => {
      const message = "file:///job-wq-2/code/bin/worker.js:1\nTypeError: no f\n    at x (y:1:2)\n\nNode.js v20.1.0\n";
      assert.equal(await line([down(ended(1, message))]), "Pod w keeps ending, with exit code 1: TypeError: no f");
    });

    it("may be a container that the runtime cannot start, which waiting does not solve", async () => {
      const runc = (why: string) =>
        `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ${why}: unknown`;
      const absent = 'exec: "node": executable file not found in $PATH';
      const problem = await lifeProblem([down(ended(128, runc(absent), "StartError"))], silent);
      assert.deepEqual(problem, { fatal: true, line: `Pod w does not start: ${absent}` });
      const closed = 'error during container init: chdir to cwd ("/root") set in config.json failed: permission denied';
      assert.match(
        endWords(ended(128, runc(closed), "StartError").terminated),
        /^chdir to cwd \("\/root"\) .* denied \(the image's WORKDIR is closed to this user: `runAsUser`/,
      );
    });

    it("may be an init container", async () => {
      const init = {
        ...status({ waiting: { reason: "CrashLoopBackOff" } }),
        restartCount: 2,
        lastState: ended(3, "no room"),
      };
      const pod = { metadata: { name: "w" }, status: { initContainerStatuses: [init] } };
      assert.equal(await line([pod]), "Pod w keeps ending, with exit code 3: no room");
    });

    it("is a program that runs for over a minute and does not get ready", async () => {
      const loading = worker({ running: { startedAt: at(10) } });
      assert.equal(await line([loading], 60), undefined);
      const problem = await lifeProblem([loading], () => Promise.resolve("loading a model"), 71_000);
      assert.equal(problem?.line, "Pod w runs for over a minute and is not ready: loading a model");
    });

    it("is nothing if a worker has nothing to do, since its batch is paused or the list is empty", async () => {
      const idle = worker({ running: { startedAt: at(10) } });
      for (const last of ["Waiting for work", '{"time":"2026-11-30T12:00:00.000Z","event":"waiting","forMs":1000}'])
        assert.equal(await lifeProblem([idle], () => Promise.resolve(last), 99_000), undefined);
    });

    it("ends `up` if the installation of packages fails again and again", async () => {
      const down = status({ waiting: { reason: "CrashLoopBackOff" } });
      const installs = (restartCount: number, name = "requirements"): V1Pod => ({
        metadata: { name: "w" },
        status: { initContainerStatuses: [{ ...down, name, restartCount, lastState: ended(1, "ERROR: no x") }] },
      });
      const line = "Pod w cannot install `requirements`: ERROR: no x";
      assert.deepEqual(await lifeProblem([installs(3)], silent), { fatal: true, line });
      for (const pod of [installs(2), installs(9, "waits-for-a-database")])
        assert.equal((await lifeProblem([pod], silent))?.fatal, false);
    });

    it("says what to do about an image for another processor, or one that this project did not build", () => {
      const said = (message: string, reason = "Error") => endWords(ended(255, message, reason).terminated);
      assert.equal(
        said("exec /job-wq-2/node/start: exec format error"),
        "exec /job-wq-2/node/start: exec format error (the image is for another processor than the node's: `platform`, or `nodeSelector`)",
      );
      const absent = 'exec: "/job-wq-2/node/start": stat /job-wq-2/node/start: no such file or directory';
      const ours = "(`image` is for an image that this project built: any other one is `baseImage`)";
      assert.equal(
        said(`runc: unable to start container process: ${absent}: unknown`, "StartError"),
        `${absent} ${ours}`,
      );
    });

    it("is nothing if one pod is well, was well, ended once, or is being deleted", async () => {
      const bad = down(ended(1, "x"));
      const well: V1Pod = { status: { conditions: [{ type: "Ready", status: "True" }] } };
      assert.equal(await line([bad, well]), undefined);
      assert.equal(await line([bad, worker({ running: { startedAt: at(5) } }, 0, undefined, at(8))]), undefined);
      assert.equal(await line([bad, { status: { phase: "Succeeded" } }]), undefined);
      assert.equal(await line([worker(ended(1, "x"))]), undefined);
      assert.equal(await line([{ ...bad, metadata: { name: "w", deletionTimestamp: at(1) } }]), undefined);
      assert.equal(await line([]), undefined);
    });

    it("may be lack of memory or a failed node, although other pods work on", () => {
      const well: V1Pod = { metadata: { name: "v" }, status: { phase: "Running" } };
      const oom = worker({ running: { startedAt: at(5) } }, 1, ended(137, "", "OOMKilled"));
      const told = "Pod w ran out of memory (OOMKilled): raise `resources.limits.memory`";
      assert.deepEqual(lossProblem([well, oom]), { fatal: false, about: "OOMKilled", line: told });
      assert.match(lossProblem([oom], "redisMemory")!.line, /: raise `redisMemory`$/);
      const message = 'Usage of EmptyDir volume "tmp" exceeds the limit "10Gi". ';
      const evicted: V1Pod = { metadata: { name: "e" }, status: { phase: "Failed", reason: "Evicted", message } };
      assert.equal(lossProblem([evicted])?.line, `Pod e failed (Evicted): ${message.trim()}`);
      assert.equal(lossProblem([well, worker(ended(1)), { ...evicted, status: { phase: "Failed" } }]), undefined);
    });

    /** A pod whose `c` ended well, beside another container. */
    const past = (...others: V1ContainerState[]): V1Pod => ({
      metadata: { name: "w" },
      status: {
        containerStatuses: [
          status({ terminated: { exitCode: 0 } }),
          ...others.map((state) => ({ ...status(state), name: "proxy" })),
        ],
      },
    });
    const running = { running: { startedAt: at(0) } };
    const end = async (pods: V1Pod[], mustEnd: boolean, last?: string) =>
      (await endProblem(pods, mustEnd, () => Promise.resolve(last)))?.line;

    it("may be a sidecar that keeps a Job from ending", async () => {
      assert.match(
        (await end([past(running)], true))!,
        /^Pod w cannot end, since its container proxy goes on: a label/,
      );
      for (const pods of [[past()], [past(ended(0))], [past(running), worker(running)], []])
        assert.equal(await end(pods, true), undefined);
      assert.equal(await end([past(running)], false, "Queue empty, exiting"), undefined);
    });

    it("may be an image that ran something else than the worker", async () => {
      const words = /^Pod w ended without work: the image's ENTRYPOINT must run .*; it printed: usage: convert$/;
      assert.match((await end([past()], false, "magick: 2 errors\nusage: convert"))!, words);
      for (const last of ["Queue empty, exiting", "Stopped (stopped), exiting", '{"event":"ended"}\nbye\n', undefined])
        assert.equal(await end([past()], false, last), undefined);
      assert.equal(await end([past(), worker(running)], false, "usage"), undefined);
    });
  });
});
