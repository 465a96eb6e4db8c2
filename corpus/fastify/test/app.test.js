import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "../src/app.js";

test("the health endpoint answers", async () => {
  const app = await build();
  const answer = await app.inject({ url: "/health" });
  assert.equal(answer.statusCode, 200);
  await app.close();
});
