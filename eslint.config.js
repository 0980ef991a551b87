import js from "@eslint/js";
import pulumi from "@pulumi/eslint-plugin";
import prettier from "eslint-config-prettier";
import unicorn from "eslint-plugin-unicorn";
import tseslint from "typescript-eslint";

/** Comments are read beside code, so they keep to a width; code is Prettier's. */
const COMMENT_WIDTH = 120;

/**
 * Reports comment lines wider than `COMMENT_WIDTH`, unless a URL makes them so. Here, because `max-len` measures code
 * as well.
 */
const commentWidth = {
  meta: {
    type: "layout",
    schema: [],
    messages: { wide: `This comment has {{width}} columns, at most ${COMMENT_WIDTH} fit.` },
  },
  create: ({ sourceCode, report }) => ({
    Program() {
      for (const comment of sourceCode.getAllComments()) {
        for (let line = comment.loc.start.line; line <= comment.loc.end.line; line++) {
          const text = sourceCode.lines[line - 1];
          if (text.length > COMMENT_WIDTH && !/https?:\S{40}/.test(text)) {
            report({ loc: { line, column: COMMENT_WIDTH }, messageId: "wide", data: { width: text.length } });
          }
        }
      }
    },
  }),
};

/** Reports a comment that opens with a question word: it is read quicker with its subject first. */
const commentSubject = {
  meta: {
    type: "suggestion",
    schema: [],
    messages: { question: 'Begin this comment with its subject, not with "{{word}}".' },
  },
  create: ({ sourceCode, report }) => ({
    Program() {
      const comments = sourceCode.getAllComments();
      for (const [i, { type, value, loc }] of comments.entries()) {
        const isContinued = type === "Line" && comments[i - 1]?.loc.end.line === loc.start.line - 1;
        const [, word] = /^[*\s]*(What|How|Whether|Who|Which|Why)\b/.exec(value) ?? [];
        if (word && !isContinued) report({ loc, messageId: "question", data: { word } });
      }
    },
  }),
};

/**
 * Folders with a door: from outside, only their index.ts is imported. Exceptions are queue/limits.ts and errorText.ts,
 * since they cost nothing to load, unlike the client of Redis.
 */
const doors = (...folders) => ({
  "no-restricted-imports": [
    "error",
    {
      patterns: folders.map((folder) => ({
        regex: `^(\\.\\./)+${folder}/(?!(index|limits|errorText)\\.ts$)|^\\./${folder}/(?!(index|limits|errorText)\\.ts$)`,
        message: `Import ${folder}/index.ts: what it does not export is ${folder}/'s own.`,
      })),
    },
  ],
});

export default tseslint.config(
  { ignores: ["node_modules/", "**/.job-wq-2/", "dist/"] },
  js.configs.recommended,
  {
    plugins: { unicorn, house: { rules: { "comment-width": commentWidth, "comment-subject": commentSubject } } },
    rules: { "unicorn/no-useless-spread": "error", "house/comment-width": "error", "house/comment-subject": "error" },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...doors("queue", "components"),
      "@typescript-eslint/consistent-type-imports": "error",
      // An async function rejects where another would throw, which callers of an interface rely on.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", ignoreRestSiblings: true }],
    },
  },
  {
    // Mocks are given anything.
    files: ["test/**"],
    rules: {
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    // Settings and the engine's messages are values of any type, and are printed as they are.
    files: ["config/**", "loadConfig.ts", "local/plugins/**"],
    rules: {
      "@typescript-eslint/no-base-to-string": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
    },
  },
  // Tests and measurements reach for the inner parts, too.
  { files: ["test/**", "bench/**"], rules: { "no-restricted-imports": "off" } },
  // A folder's own files, from its subfolders.
  { files: ["queue/**"], rules: doors("components") },
  { files: ["components/**"], rules: doors("queue") },
  {
    // An Output in a template literal prints a warning text instead of its value.
    files: ["index.ts", "components/**/*.ts"],
    plugins: { "@pulumi": pulumi },
    rules: { "@pulumi/no-output-in-template-literal": "error" },
  },
  // Programs of their own, whose types are those of the packed package: a test compiles them.
  { files: ["plugin/**", "examples/commonjs/**"], extends: [tseslint.configs.disableTypeChecked] },
  {
    files: ["**/*.mjs"],
    languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly" } },
  },
  prettier,
);
