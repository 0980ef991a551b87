// Parsers of settings and component arguments: each returns the value as the program uses it, or refuses it in one
// line.
export { concealing, ConfigError, invalid } from "./parse/configError.ts";
export { type Parsed, parser, type Parser } from "./parse/parser.ts";
export * from "./parse/scalars.ts";
export * from "./parse/names.ts";
export * from "./parse/urls.ts";
export * from "./parse/commands.ts";
export * from "./parse/maps.ts";
