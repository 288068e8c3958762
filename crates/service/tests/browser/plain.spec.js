// The page without script.

import { expect, test } from "./countersign.js";

test.use({ javaScriptEnabled: false });

test("a question is answered, and the page counts as somebody who listens", async ({ page, countersign }) => {
  await countersign.signIn(page);
  await page.waitForURL(/\?plain$/);
  const ran = countersign.hook("git push origin main");
  const asked = page.getByRole("article").filter({ hasText: "git push origin main" });
  await expect(async () => {
    await page.goto(page.url());
    await expect(asked).toBeVisible({ timeout: 500 });
  }).toPass();
  await asked.getByRole("button", { name: "Allow once" }).click();
  expect((await ran).decision).toBe("allow");
  await expect(page.getByText("Allowed once.")).toBeVisible();
});

test("arguments are changed on a page that does not come again meanwhile", async ({ page, countersign }) => {
  await countersign.signIn(page);
  await page.waitForURL(/\?plain$/);
  const ran = countersign.hook("git push --force");
  const asked = page.getByRole("article").filter({ hasText: "git push --force" });
  await expect(async () => {
    await page.goto(page.url());
    await expect(asked).toBeVisible({ timeout: 500 });
  }).toPass();
  await asked.getByText("Allow it with other arguments").click();
  await asked.getByRole("link", { name: "edit on one that stays" }).click();
  await expect(page.locator("meta[http-equiv=refresh]")).toHaveCount(0);
  const field = asked.getByLabel("All arguments of the call");
  await field.fill("{");
  await asked.getByRole("button", { name: "Allow once with these arguments" }).click();
  await expect(asked.getByRole("alert")).toContainText("cannot be read as JSON");
  await expect(page.locator("meta[http-equiv=refresh]")).toHaveCount(0);
  await expect(field).toHaveValue("{");
  await field.fill(JSON.stringify({ command: "git push" }));
  await asked.getByRole("button", { name: "Allow once with these arguments" }).click();
  expect((await ran).decision).toBe("allow");
});
