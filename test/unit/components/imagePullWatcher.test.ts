import assert from "node:assert/strict";
import type { V1ContainerState, V1Pod } from "@kubernetes/client-node";
import { hasStarted, imagePullError } from "../../../components/batch/imagePullWatcher.ts";

const image = "ghcr.io/you/job-wq-2:1";
const status = (state?: V1ContainerState) => ({ name: "c", image, imageID: "", ready: false, restartCount: 0, state });
const pod = (state?: V1ContainerState): V1Pod => ({ status: { containerStatuses: [status(state)] } });
const waits = (reason: string, message?: string) => pod({ waiting: { reason, message } });

describe("an image that cannot be pulled", () => {
  it("is what all pods wait for in vain; the reason is the registry's, in one line", () => {
    const failed = waits("ErrImagePull", `failed to resolve reference "${image}": not found\nmore`);
    const why = `failed to resolve reference "${image}": not found`;
    assert.deepEqual(imagePullError([failed, failed]), { image, why });
    const later = waits(
      "ImagePullBackOff",
      `Back-off pulling image "${image}": ErrImagePull: rpc error: code = NotFound desc = ${why}`,
    );
    assert.deepEqual(imagePullError([later]), { image, why });
    assert.deepEqual(imagePullError([waits("ErrImageNeverPull")]), { image, why: "ErrImageNeverPull" });
  });

  it("may be an init container's", () => {
    const init: V1Pod = {
      status: {
        initContainerStatuses: [
          { ...status({ waiting: { reason: "ErrImagePull", message: "denied" } }), image: "items" },
        ],
        containerStatuses: [status({ waiting: { reason: "PodInitializing" } })],
      },
    };
    assert.deepEqual(imagePullError([init]), { image: "items", why: "denied" });
  });

  it("is none where a pod is on its way, or there is no pod yet", () => {
    assert.equal(imagePullError([]), undefined);
    assert.equal(imagePullError([{}]), undefined);
    assert.equal(imagePullError([waits("ErrImagePull", "no"), waits("ContainerCreating")]), undefined);
    assert.equal(imagePullError([waits("CrashLoopBackOff", "no")]), undefined);
  });

  it("is none any more once a container ran", () => {
    assert.ok(hasStarted(pod({ running: {} })));
    assert.ok(hasStarted(pod({ terminated: { exitCode: 1 } })));
    assert.ok(!hasStarted(waits("ErrImagePull")));
    assert.ok(!hasStarted({}));
  });
});
