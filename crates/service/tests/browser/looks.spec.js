// How it looks: in light and dark, wide and narrow. The pictures are left in `results/` to be looked at.

import { expect, live, press, settled, test } from "./countersign.js";

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1000, 380]) {
    test(`${colorScheme}, ${width} wide`, async ({ page, countersign }, info) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await countersign.signIn(page);
      await live(page);
      const command = `git push origin main && ./deploy.sh --to '${"a".repeat(90)}' "$(cat \u202Etxt.exe)" | tee log.txt`;
      const ran = countersign.hook(command, { tool_input: { command, description: "Publish the fix, then deploy it" } });
      await expect(page.getByRole("article")).toBeVisible();
      await expect(page.locator(".mark").first()).toHaveText("\\u{202E}");
      await settled(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
      const paper = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      const [red] = paper.match(/\d+/g).map(Number);
      expect(red < 128).toBe(colorScheme === "dark");
      await page.screenshot({ path: info.outputPath(`${colorScheme}-${width}.png`), fullPage: true });
      await press(page, page, "Deny", "Denied.");
      expect((await ran).decision).toBe("deny");
    });
  }
}

test("every field and button has a name, and the page its landmarks", async ({ page, countersign }) => {
  await countersign.signIn(page);
  await live(page);
  const ran = countersign.hook("git push origin main");
  const asked = page.getByRole("article", { name: "git push origin main" });
  await expect(asked).toBeVisible();
  await expect(page.getByRole("main")).toBeVisible();
  await expect(page.getByRole("banner")).toBeVisible();
  const unnamed = await page.evaluate(() => {
    const named = (field) => field.labels?.length || field.ariaLabel || field.textContent.trim();
    const fields = [...document.querySelectorAll("button, select, input:not([type=hidden])")];
    return fields.filter((field) => !named(field)).map((field) => field.outerHTML);
  });
  expect(unnamed).toEqual([]);
  // One tab leads from the top to the questions.
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the questions" })).toBeFocused();
  await press(page, asked, "Deny", "Denied.");
  expect((await ran).decision).toBe("deny");
});
