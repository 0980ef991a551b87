// The library loads this first, since on a Node.js that is too old the rest would fail with obscure errors.
import { requireNode } from "./nodeVersion.mjs";

requireNode();
