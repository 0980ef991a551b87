// The first thing that the library loads: on a Node.js that is too old, the rest would fail in words of its own.
import { requireNode } from "./nodeVersion.mjs";

requireNode();
