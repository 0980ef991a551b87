// Access for the browser that has the token, on this machine, and for no page of another site.
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { secureHeaders } from "hono/secure-headers";

/** Secrets of one run of the server. */
export interface Keys {
  token: string;
  /**
   * All addresses begin with this path, and the cookie is bound to it. A browser sends the cookies of a host to every
   * port of it, also to those of other users of the machine, but only below the cookie's path.
   */
  path: string;
}

const secret = (bytes: number) => randomBytes(bytes).toString("base64url");

export const newKeys = (): Keys => ({ token: secret(24), path: `/${secret(12)}/` });

const COOKIE = "wq";

function isToken(given: string | undefined, token: string): boolean {
  const [a, b] = [Buffer.from(given ?? ""), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * Refuses, each with a line that says why:
 *
 * - A request for a host other than loopback: a page of another site whose name leads here ("DNS rebinding").
 * - A request without the token, which comes once in the address, and from then on in a cookie.
 * - A change by a page of another site: `SameSite=Strict` keeps the cookie from it, and `Origin` names it.
 */
export function guard({ token, path }: Keys): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header("host") ?? "";
    const { hostname } = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : { hostname: "" };
    if (hostname !== "127.0.0.1" && hostname !== "localhost")
      return c.text("This page is served to 127.0.0.1 and localhost only.\n", 403);
    const inAddress = c.req.query("token");
    if (!isToken(inAddress, token) && !isToken(getCookie(c, COOKIE), token))
      return c.text("Open the address that `wq ui` printed: it has a token in it.\n", 401);
    if (c.req.method !== "GET" && c.req.method !== "HEAD") {
      if (c.req.header("origin") !== `http://${host}`) return c.text("This request comes from another page.\n", 403);
      if (c.req.header("content-type") !== "application/json") return c.text("Expected JSON.\n", 415);
    }
    if (inAddress !== undefined) setCookie(c, COOKIE, token, { httpOnly: true, sameSite: "Strict", path });
    return next();
  };
}

/** The page loads nothing foreign, runs nothing inline, and is in no frame of another page. */
export const policy: MiddlewareHandler = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    styleSrcAttr: ["'unsafe-inline'"], // of the charts' tooltips
    connectSrc: ["'self'"],
    imgSrc: ["data:"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  referrerPolicy: "no-referrer",
  xFrameOptions: "DENY",
  strictTransportSecurity: false,
});
