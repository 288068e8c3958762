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
