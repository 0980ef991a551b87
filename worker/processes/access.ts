import { accessSync } from "node:fs";

/** True if this user has the right to a path. @param mode `constants.X_OK`, … */
export function canAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
