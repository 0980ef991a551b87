import { isUtf8 } from "node:buffer";

/** The payload as text, or its bytes in base64: unlike a display name, nothing is cut or escaped. */
export const itemText = (payload: Buffer): string =>
  isUtf8(payload) ? payload.toString() : `base64:${payload.toString("base64")}`;

/** The payload that has this text: the bytes of one that {@link itemText} gave in base64. */
export function itemBytes(text: string): Buffer {
  const bytes = Buffer.from(text.replace(/^base64:/, ""), "base64");
  return itemText(bytes) === text ? bytes : Buffer.from(text);
}
