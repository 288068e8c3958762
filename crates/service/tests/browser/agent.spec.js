// An agent's token is not a human's: neither from a program nor from a page in the human's own browser.

import { expect, live, secret, test } from "./countersign.js";
import { createServer } from "node:http";

test("cannot reply, read others' approvals or see the stream", async ({ page, context, countersign }) => {
  await countersign.signIn(page);
  await live(page);
  const human = await secret(context);
  const make = async (session) => {
    const made = await countersign.api("POST", "/v1/tokens", human, { name: session, host: "countersign", session });
    return (await made.json()).secret;
  };
  const [mine, others] = [await make("mine"), await make("others")];
  const asked = await countersign.api("POST", "/v1/ask", others, countersign.call("git push"));
  expect(asked.status).toBe(201);
  const { approval } = await asked.json();
  await expect(page.getByRole("article")).toHaveCount(1);

  const status = async (method, path, token, body) => (await countersign.api(method, path, token, body)).status;
  for (const token of [mine, others]) {
    expect(await status("POST", `/v1/approvals/${approval.id}/reply`, token, { outcome: "allow" })).toBe(403);
    expect(await status("GET", `/v1/approvals/${approval.id}`, token)).toBe(403);
    expect(await status("GET", "/v1/approvals", token)).toBe(403);
    expect(await status("GET", "/v1/events", token)).toBe(403);
    expect(await status("GET", "/v1/audit", token)).toBe(403);
    expect(await status("POST", "/v1/tokens", token, {})).toBe(403);
  }
  expect(await status("GET", `/v1/approvals/${approval.id}/wait?seconds=0`, mine)).toBe(404);
  expect(await status("POST", `/v1/approvals/${approval.id}/redeem`, mine, countersign.call("git push"))).toBe(404);
  expect(await status("POST", `/v1/approvals/${approval.id}/cancel`, mine)).toBe(404);
  expect(await status("GET", `/v1/approvals/${approval.id}/wait?seconds=0`, others)).toBe(200);
  await expect(page.getByRole("article")).toHaveCount(1);
});

test("a page of another port gets neither the cookie nor an answer", async ({ page, context, countersign }) => {
  await countersign.signIn(page);
  const inbox = new URL(page.url());
  const cookies = [];
  const server = createServer((request, response) => {
    cookies.push(request.headers.cookie);
    response.setHeader("Content-Type", "text/html").end("<!doctype html><title>stranger</title>");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const stranger = `http://127.0.0.1:${server.address().port}`;
  const other = await context.newPage();
  for (const path of ["/", "/signin", "/inbox/", "/v1/events"]) await other.goto(stranger + path);
  expect(cookies).not.toContain(expect.stringContaining("countersign"));
  expect(cookies.filter(Boolean)).toEqual([]);

  // What the stranger's page sends to us is refused, even knowing the page's address.
  const answers = await other.evaluate(async (inbox) => {
    const send = async (path, options) => {
      try {
        const answer = await fetch(inbox + path, { credentials: "include", ...options });
        return answer.type === "opaque" ? "opaque" : await answer.text();
      } catch (error) {
        return "refused";
      }
    };
    const form = new URLSearchParams({ answer: "once", approval: "x" });
    return [await send(""), await send("events"), await send("answer", { method: "POST", body: form })];
  }, inbox.href);
  expect(answers).toEqual(["refused", "refused", "refused"]);
  const framed = await other.evaluate((inbox) => new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.src = inbox;
    frame.onload = () => {
      try {
        resolve(frame.contentDocument ? frame.contentDocument.body.innerText : "closed");
      } catch {
        resolve("closed");
      }
    };
    document.body.append(frame);
  }), inbox.href);
  expect(framed).toBe("closed");
  server.close();
});
