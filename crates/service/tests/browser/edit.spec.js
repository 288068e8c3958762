// A person changes the arguments of a call, and lets what is remembered reach further.

import { expect, live, press, settled, test } from "./countersign.js";

const question = (page, text) => page.getByRole("article").filter({ hasText: text });

test("the call runs with the arguments that were written, which no change of the list and no mistake loses", async ({ page, countersign }, info) => {
  await countersign.signIn(page);
  await live(page);
  const ran = countersign.hook("git push --force origin main </textarea><b>x");
  const asked = question(page, "git push --force");
  await asked.getByText("Allow it with other arguments").click();
  const field = asked.getByLabel("All arguments of the call");
  const shown = JSON.parse(await field.inputValue());
  expect(shown.command).toBe("git push --force origin main </textarea><b>x");
  await field.fill('{ "command": "git push');
  const other = countersign.hook("git tag v1");
  await expect(question(page, "git tag v1")).toBeVisible();
  await expect(field).toHaveValue('{ "command": "git push');

  await settled(page);
  await page.screenshot({ path: info.outputPath("editing.png"), fullPage: true });
  await asked.getByRole("button", { name: "Allow once with these arguments" }).click();
  await expect(asked.getByRole("alert")).toContainText("cannot be read as JSON");
  await expect(field).toHaveValue('{ "command": "git push');
  await settled(page);
  await page.screenshot({ path: info.outputPath("refused.png"), fullPage: true });

  // An answer to another question begins the page anew.
  await live(page);
  await press(page, question(page, "git tag v1"), "Deny", "Denied.");
  expect((await other).decision).toBe("deny");
  await asked.getByText("Allow it with other arguments").click();
  await field.fill(JSON.stringify({ command: "git push origin main" }));
  // The button for the agent's own arguments does not take them.
  await settled(page);
  await asked.getByRole("button", { name: "Allow once", exact: true }).click();
  await expect(asked.getByRole("alert")).toContainText("the arguments were changed");
  await live(page);
  const third = countersign.hook("git tag v2");
  await expect(question(page, "git tag v2")).toBeVisible();
  await expect(field).toHaveValue(JSON.stringify({ command: "git push origin main" }));
  await press(page, asked, "Allow once with these arguments", "Allowed once, with your arguments.");
  expect((await ran).decision).toBe("allow");
  await press(page, question(page, "git tag v2"), "Deny", "Denied.");
  await third;
});

test("shows how far what is remembered will reach, before it does", async ({ page, countersign }, info) => {
  await countersign.signIn(page);
  await live(page);
  const ran = countersign.hook("git push origin main");
  await expect(question(page, "git push")).toBeVisible();
  await press(page, question(page, "git push"), "For this session", "remembered for this session");
  await ran;
  await page.getByRole("link", { name: /reach further$/ }).click();
  await expect(page.getByText(`every session in ${countersign.project}`)).toBeVisible();
  // It stays while the list changes.
  await live(page);
  const other = countersign.hook("git tag v1");
  await expect(question(page, "git tag v1")).toBeVisible();
  await page.screenshot({ path: info.outputPath("further.png"), fullPage: true });
  await page.getByRole("button", { name: /^Let it reach every session in/ }).click();
  await expect(page.getByText("it reaches further from now on")).toBeVisible();
  await press(page, question(page, "git tag v1"), "Deny", "Denied.");
  await other;
});
