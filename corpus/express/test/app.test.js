import request from "supertest";
import { describe, expect, it } from "vitest";
import { app } from "../src/app.js";

describe("checkout", () => {
  it("is alive", async () => {
    const answer = await request(app).get("/livez");
    expect(answer.status).toBe(200);
  });

  it.only("refuses who is not known", async () => {
    const answer = await request(app).post("/orders").send({ sku: "a", quantity: 1 });
    expect(answer.status).toBe(401);
  });
});
