import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, stackCandidates, type StackLocation, withName } from "../../../../cli/stack/findStack.ts";

describe("stackCandidates", () => {
  const folder = mkdtempSync(join(tmpdir(), "job-wq-2-location-"));
  const checkout = join(folder, "checkout");
  const elsewhere = join(folder, "elsewhere");
  const program = join(folder, "program");
  before(() => {
    for (const path of [join(checkout, "queue"), elsewhere, join(program, "src")]) mkdirSync(path, { recursive: true });
    writeFileSync(join(checkout, "Pulumi.yaml"), "");
    writeFileSync(join(program, "Pulumi.yml"), "");
  });
  after(() => rmSync(folder, { recursive: true }));

  const platform = { PULUMI_BACKEND_URL: "file:///platform", PULUMI_HOME: "/platform/pulumi", KUBECONFIG: "/k" };
  const dev: StackLocation = { program: checkout, stack: "dev", configFile: "/state/Pulumi.dev.yaml", env: platform };

  interface Case {
    does: string;
    cwd: string;
    stack?: string;
    environment?: Record<string, string>;
    started?: boolean;
    finds: StackLocation[];
  }
  const of = (program: string, stack?: string): StackLocation => ({ program, stack, env: {} });
  const cases: Case[] = [
    { does: "finds the program of the folder", cwd: program, started: true, finds: [of(program)] },
    { does: "finds the program above the folder", cwd: join(program, "src"), finds: [of(program)] },
    { does: "takes a stack of the program by name", cwd: program, stack: "prod", finds: [of(program, "prod")] },
    { does: "finds a checkout's own program where `npm start` did not run", cwd: checkout, finds: [of(checkout)] },
    { does: "finds what `npm start` left, in its checkout", cwd: join(checkout, "queue"), started: true, finds: [dev] },
    { does: "finds what `npm start` left, outside any program", cwd: elsewhere, started: true, finds: [dev] },
    { does: "finds what `npm start` left by its name", cwd: checkout, stack: "dev", started: true, finds: [dev] },
    {
      does: "finds what `npm start` left in a shell with the platform's environment, outside any program",
      cwd: elsewhere,
      environment: platform,
      started: true,
      finds: [dev],
    },
    {
      does: "prefers a stack that was selected in the checkout in a shell with the platform's environment",
      cwd: checkout,
      environment: platform,
      started: true,
      finds: [of(checkout), dev],
    },
    {
      does: "leaves `npm start`'s stack aside where another backend is chosen",
      cwd: checkout,
      environment: { PULUMI_BACKEND_URL: "s3://mine" },
      started: true,
      finds: [of(checkout)],
    },
    {
      does: "leaves `npm start`'s stack aside where another stack is chosen",
      cwd: checkout,
      environment: { PULUMI_STACK: "prod" },
      started: true,
      finds: [of(checkout)],
    },
    {
      does: "leaves `npm start`'s stack aside where another one is named",
      cwd: checkout,
      stack: "prod",
      started: true,
      finds: [of(checkout, "prod")],
    },
  ];
  for (const { does, cwd, stack, environment = {}, started = false, finds } of cases) {
    it(does, () => {
      const context = { cwd, environment, remembered: started ? dev : undefined, checkout };
      assert.deepEqual(stackCandidates(stack, context), finds);
    });
  }

  it("says in one line what to do outside any program", () => {
    const context = { cwd: elsewhere, environment: {}, remembered: undefined, checkout };
    const message =
      "there is no Pulumi program in this folder or above it: change to the folder of one, or give --redis URL";
    assert.throws(() => stackCandidates(undefined, context), { name: "UserError", message });
    const chosen = { ...context, environment: { PULUMI_BACKEND_URL: "s3://mine" }, remembered: dev };
    assert.throws(() => stackCandidates(undefined, chosen), { name: "UserError", message });
  });

  it("finds no program above the root", () => assert.equal(findProgram("/"), undefined));

  it("gives the stack of `npm start` its settings file, even if it was found as the selected one", () => {
    assert.equal(withName(of(checkout), "dev", [of(checkout), dev]), dev);
    assert.deepEqual(withName(of(checkout), "mine", [of(checkout), dev]), of(checkout, "mine"));
  });
});
