import assert from "node:assert/strict";
import type { V1ContainerState, V1Pod } from "@kubernetes/client-node";
import { admissionProblem, hasStarted, podProblem } from "../../../components/cluster/startProblems.ts";

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

  it("may be that no node takes a pod, which may pass", () => {
    const message = "0/2 nodes are available: 2 Insufficient cpu.";
    const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
    const problem = podProblem([{ metadata: { name: "p" }, status: { conditions } }]);
    assert.deepEqual(problem, { fatal: false, line: `Pod p waits for a node: ${message}` });
  });

  it("may be that the API server admits no pod", () => {
    const message = 'Error creating: pods "job-wq-2-x" is forbidden: exceeded quota: q';
    const event = { metadata: {}, involvedObject: {}, reason: "FailedCreate", message };
    const line = 'Job job-wq-2 gets no pod: pods "job-wq-2-x" is forbidden: exceeded quota: q';
    assert.deepEqual(admissionProblem("Job job-wq-2", [event]), { fatal: true, line });
    assert.equal(admissionProblem("Job job-wq-2", []), undefined);
  });

  it("is nothing where a pod is on its way, or there is no pod yet", () => {
    assert.equal(podProblem([]), undefined);
    assert.equal(podProblem([{}]), undefined);
    assert.equal(podProblem([waits("ErrImagePull", "no"), waits("ContainerCreating")]), undefined);
    assert.equal(podProblem([waits("CrashLoopBackOff", "no")]), undefined);
  });

  it("is nothing once a container ran", () => {
    assert.ok(hasStarted(pod({ running: {} })));
    assert.ok(hasStarted(pod({ terminated: { exitCode: 1 } })));
    assert.ok(!hasStarted(waits("ErrImagePull")));
    assert.ok(!hasStarted({}));
  });
});
