import { defineConfig } from "@playwright/test";

// The machine's own Chromium: `cargo xtask test` says where it is.
const quiet = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];

export default defineConfig({
  testDir: ".",
  outputDir: "results",
  timeout: 30_000,
  expect: { timeout: 10_000 },
  workers: 2,
  fullyParallel: true,
  forbidOnly: true,
  use: {
    launchOptions: {
      executablePath: process.env.COUNTERSIGN_CHROMIUM ?? "/usr/bin/chromium",
      args: [...quiet, ...root],
    },
  },
});
