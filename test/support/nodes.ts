// Nodes of the local platform that die and come back, for tests.
export { killNode, reviveNode } from "../../local/node/nodeControl.ts";
import { allNodes } from "../../local/node/nodes.ts";

/** Names of the nodes. */
export const nodeNames = allNodes.map(({ name }) => name);
