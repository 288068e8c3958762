// A person answers on the page while a hook waits.

import { expect, live, press, settled, test } from "./countersign.js";

const question = (page, text) => page.getByRole("article").filter({ hasText: text });

test("allows once while the hook waits", async ({ page, countersign }) => {
  await countersign.signIn(page);
  await live(page);
  const ran = countersign.hook("git push origin main", { tool_input: { command: "git push origin main", description: "Publish it" } });
  const asked = question(page, "git push origin main");
  await expect(asked).toBeVisible();
  await expect(page).toHaveTitle("(1) Countersign");
  await expect(asked.getByText("says ask shell(git push *)")).toBeVisible();
  await expect(asked.getByText("which nobody has checked")).toBeVisible();
  await press(page, asked, "Allow once", "Allowed once.");
  expect(await ran).toMatchObject({ status: 0, decision: "allow" });
  await expect(page.getByText("Nothing waits for an answer.")).toBeVisible();

  const again = countersign.hook("git push origin main");
  await expect(question(page, "git push origin main")).toBeVisible();
  await press(page, question(page, "git push"), "Deny", "Denied.");
  expect((await again).status).toBe(2);
});

test("denies with a word to the agent", async ({ page, countersign }) => {
  await countersign.signIn(page);
  await live(page);
  const ran = countersign.hook("git push --force");
  const asked = question(page, "git push --force");
  await asked.getByPlaceholder("A word to the agent").fill("never force, use a branch");
  await press(page, asked, "Deny", "Denied.");
  const { status, decision, reason } = await ran;
  expect({ status, decision }).toEqual({ status: 2, decision: "deny" });
  expect(reason).toContain("never force, use a branch");
});

test("remembers for the session what was chosen, and takes it back", async ({ page, countersign }) => {
  await countersign.signIn(page);
  await live(page);
  const ran = countersign.hook("git push origin main");
  const asked = question(page, "git push origin main");
  await expect(asked.getByRole("radio", { name: /exactly/ })).toBeChecked();
  await asked.getByRole("radio", { name: /with any ordinary arguments/ }).check();
  await asked.getByLabel("lasting").selectOption({ label: "for 1 h" });
  await press(page, asked, "For this session", "remembered for this session");
  expect((await ran).decision).toBe("allow");
  expect((await countersign.hook("git push origin topic")).decision).toBe("allow");
  await expect(page.getByText("shell(git push *)")).toBeVisible();
  await page.getByRole("button", { name: /^Revoke/ }).click();
  await expect(page.getByText("Revoked: it will be asked again.")).toBeVisible();
  await expect(page.getByText("Nothing is remembered")).toBeVisible();
  const after = countersign.hook("git push origin topic");
  await expect(question(page, "git push origin topic")).toBeVisible();
  await press(page, question(page, "git push"), "Deny", "Denied.");
  expect((await after).decision).toBe("deny");
});

test("a change of the list keeps what was typed, and takes no answer for a moment", async ({ page, countersign }) => {
  await countersign.signIn(page);
  await live(page);
  const first = countersign.hook("git push one");
  await question(page, "git push one").getByPlaceholder("A word to the agent").fill("half a sentence");
  await settled(page);
  // A click in the very moment of the change, meant for what was there before, counts for nothing.
  await page.evaluate(() => {
    const click = () => {
      if (document.querySelectorAll(".question").length < 2) return;
      document.removeEventListener("htmx:after:swap", click);
      document.querySelector(".question button[value=once]").click();
      document.body.dataset.clicked = "yes";
    };
    document.addEventListener("htmx:after:swap", click);
  });
  const second = countersign.hook("git tag two");
  await expect(question(page, "git tag two")).toBeVisible();
  await expect(page.locator("body[data-clicked]")).toHaveCount(1);
  await settled(page);
  await expect(question(page, "git push one").getByPlaceholder("A word to the agent")).toHaveValue("half a sentence");
  await expect(page.getByRole("article")).toHaveCount(2);
  await press(page, question(page, "git tag two"), "Deny", "Denied.");
  expect((await second).decision).toBe("deny");
  await press(page, question(page, "git push one"), "Allow once", "Allowed once.");
  expect((await first).decision).toBe("allow");
});

test("keys move, allow and deny", async ({ page, countersign }) => {
  await countersign.signIn(page);
  await live(page);
  const first = countersign.hook("git push one");
  await expect(question(page, "git push one")).toBeVisible();
  const second = countersign.hook("git tag two");
  await expect(question(page, "git tag two")).toBeVisible();
  await settled(page);
  // Without a marked question, a key answers nothing.
  await page.keyboard.press("a");
  await page.keyboard.press("j");
  await expect(question(page, "git push one")).toBeFocused();
  await page.keyboard.press("j");
  await expect(question(page, "git tag two")).toBeFocused();
  await page.keyboard.press("k");
  await page.keyboard.press("d");
  await expect(page.getByText("Denied.")).toBeVisible();
  expect((await first).decision).toBe("deny");
  await settled(page);
  // Letters in a text are letters, and Enter sends nothing.
  await question(page, "git tag two").getByPlaceholder("A word to the agent").pressSequentially("a d s");
  await page.keyboard.press("Enter");
  await expect(question(page, "git tag two")).toBeVisible();
  await page.keyboard.press("Escape");
  await question(page, "git tag two").getByRole("heading").click();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("a");
  expect((await second).decision).toBe("allow");
});

test("says when a policy cannot be read, and goes on", async ({ page, countersign }) => {
  const { appendFileSync } = await import("node:fs");
  await countersign.signIn(page);
  await live(page);
  appendFileSync(`${countersign.home}/.config/countersign/countersign.toml`, "alow = []\n");
  await expect(page.getByRole("alert")).toContainText("alow");
  await expect(page.getByRole("alert")).toContainText("last good revision stays in force");
});
