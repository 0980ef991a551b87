import { isUtf8 } from "node:buffer";

/** The payload as text, or its bytes in base64: unlike a display name, nothing is cut or escaped. */
export const itemText = (payload: Buffer): string =>
  isUtf8(payload) ? payload.toString() : `base64:${payload.toString("base64")}`;
