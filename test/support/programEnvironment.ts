import { settingsText } from "../../config/toldSettings.ts";
import { batchSettings, type Setting } from "../../config/settings.ts";

/**
 * The environment of a program of the image.
 * @param values Settings as in a stack file, fields that a Batch adds, and variables. Names in capitals are variables.
 */
export function programEnvironment(values: Record<string, unknown>): Record<string, string> {
  const [variables, told] = [{} as Record<string, string>, {} as Record<string, unknown>];
  for (const [key, value] of Object.entries(values)) {
    const setting = (batchSettings as Record<string, Setting>)[key];
    if (/^[A-Z_]+$/.test(key)) variables[key] = String(value);
    else told[key] = setting && key !== "items" ? setting.parse(key, value) : value;
  }
  return { WQ_SETTINGS: settingsText(told), ...variables };
}
