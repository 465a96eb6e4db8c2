// Clay's signature of a delivery: sha256=<hex> of the HMAC over the exact bytes of the body.

import { createHmac, timingSafeEqual } from "node:crypto";

export function sign(secret, body) {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

// No secret, no header, another length: refused like a wrong one.
export function verify(secret, body, header) {
  if (!secret || typeof header !== "string") return false;
  const expected = Buffer.from(sign(secret, body));
  const given = Buffer.from(header);
  return expected.length === given.length && timingSafeEqual(expected, given);
}
