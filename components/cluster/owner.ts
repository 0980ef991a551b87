// The stack that objects are of. Two people may each have a stack of one name, with a state of its own, and run both in
// one namespace.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { OWNER, STACK_KEY } from "../../kube/ownLabels.ts";

/** The salt, or the encrypted key, of the secrets in a stack file: each state has its own. */
const OF_STATE = /^encrypt(?:ionsalt|edkey): *(\S+)/m;

/** Tells a stack from others of its name; undefined if its file has nothing to tell by. */
export function stackKey(path = `Pulumi.${pulumi.getStack()}.yaml`): string | undefined {
  const secret = OF_STATE.exec(existsSync(path) ? readFileSync(path, "utf8") : "")?.[1];
  return secret && createHash("sha256").update(secret).digest("hex").slice(0, 16);
}

/** The stack of this program. */
export class Owner {
  /** `project/stack`. */
  readonly name: string;
  readonly #key: string | undefined;

  /** @param given The setting: a person who gives it knows that objects of that name are this stack's. */
  constructor(given: string | undefined) {
    this.name = given ?? `${pulumi.getProject()}/${pulumi.getStack()}`;
    this.#key = given === undefined ? stackKey() : undefined;
  }

  /** Annotations of its objects. */
  get marks(): Record<string, string> {
    return { [OWNER]: this.name, ...(this.#key && { [STACK_KEY]: this.#key }) };
  }

  /** True for an object of this stack, by its annotations. */
  owns({ [OWNER]: name, [STACK_KEY]: key = this.#key }: Record<string, string> = {}): boolean {
    return name === this.name && (this.#key === undefined || key === this.#key);
  }
}
