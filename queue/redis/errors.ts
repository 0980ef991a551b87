// Errors of Redis: which of them pass, which do not, and what a user can do about each.

/** Redis is away, or does not let us in. The message is one line: where, why, and what to do. */
export class RedisError extends Error {
  override name = "RedisError";
}

/** Redis has reached its maxmemory. */
export const REDIS_FULL =
  "Redis is full (maxmemory): raise `redisMemory` and run again. The items in it stay, unless Redis is a Pod " +
  "without `redisStorage`: with another memory it starts empty, and the batch begins anew.";

/**
 * Errors of Redis that pass: it starts, is busy with a script, is becoming a replica or a primary, its disk is full, or
 * it has too few replicas.
 */
const TRANSIENT = /^(LOADING|BUSY|TRYAGAIN|MASTERDOWN|READONLY|CLUSTERDOWN|MISCONF|NOREPLICAS)/;
/** Redis does not let us in; waiting does not change that. */
const REFUSED = /WRONGPASS|NOAUTH|NOPERM|invalid password/i;
/** Our side refuses: the certificate is of an unknown authority, or of another server. */
const UNTRUSTED = /self[- ]signed certificate|unable to (verify|get) .*certificate/i;
const BAD_CERTIFICATE = /certificate/i;
const TOO_MANY_CLIENTS = /max number of clients/i;

/** True if a connection or a command that failed like this may work later. */
export function isTransient(error: unknown): boolean {
  const { name, message } = error as Error;
  if (name === "ReplyError") return TRANSIENT.test(message);
  // An error of our own code is not an absence of Redis.
  return !(error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError);
}

/** Redis refuses the password, this user may not do it, or its certificate is not to be trusted. */
export function isRefusal({ message }: Error): boolean {
  return REFUSED.test(message) || BAD_CERTIFICATE.test(message);
}

/** Advice to the user. */
export function advice(message: string): string {
  if (/NOPERM/.test(message)) return "check what this user may do (ACL)";
  if (REFUSED.test(message)) return "check the password";
  if (UNTRUSTED.test(message)) return "set `redisCa` to the certificate of the authority that signed its own";
  if (BAD_CERTIFICATE.test(message)) return "check its certificate, and the name by which it is reached";
  if (TOO_MANY_CLIENTS.test(message)) return "raise its `maxclients`, or run fewer workers";
  return "check that it runs and can be reached from here";
}
