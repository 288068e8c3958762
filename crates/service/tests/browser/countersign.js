// The real program, with a home of its own: a server, hooks that wait, and a person who signs in.

import { test as base, expect } from "@playwright/test";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const program = process.env.COUNTERSIGN_BINARY;
if (!program) throw new Error("COUNTERSIGN_BINARY is not set: run these tests with `cargo xtask test`");

const POLICY = `
nobody = "deny"
allow = ["shell(git status)"]
ask = ["shell(git push *)", "shell(git tag *)"]
`;

class Countersign {
  constructor() {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), "countersign-browser-")));
    this.home = join(this.folder, "home");
    this.project = join(this.home, "shop");
    mkdirSync(join(this.home, ".config/countersign"), { recursive: true });
    mkdirSync(this.project);
    writeFileSync(join(this.home, ".config/countersign/countersign.toml"), POLICY);
    // Only what is needed: variables of an agent's host would have the program refuse what is for humans.
    this.env = { HOME: this.home, PATH: process.env.PATH, LANG: "C.UTF-8" };
    this.children = [];
  }

  // The link to sign in with goes to a terminal alone: `script` lends the server one.
  async serve() {
    const child = this.start("script", ["-qec", `'${program}' serve --port 0`, "/dev/null"]);
    this.link = await new Promise((resolve, reject) => {
      let said = "";
      child.stdout.on("data", (data) => {
        said += data;
        const link = said.match(/http:\/\/\S+code=\w+/);
        if (link) resolve(link[0]);
      });
      child.on("exit", () => reject(new Error(`the server ended: ${said}`)));
    });
    this.origin = new URL(this.link).origin;
  }

  start(file, args) {
    const child = spawn(file, args, { cwd: this.project, env: this.env, stdio: ["pipe", "pipe", "pipe"] });
    this.children.push(child);
    return child;
  }

  // What Claude Code would do before it runs a command. Resolves when the hook ends.
  hook(command, more = {}) {
    const child = this.start(program, ["hook", "claude-code", "--on-ask", "wait"]);
    const event = {
      session_id: "s1", prompt_id: "p1", transcript_path: "/dev/null", cwd: this.project, permission_mode: "default",
      hook_event_name: "PreToolUse", tool_name: "Bash", tool_input: { command }, tool_use_id: "toolu_1", ...more,
    };
    child.stdin.end(JSON.stringify(event));
    return new Promise((resolve) => {
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (data) => (stdout += data));
      child.stderr.on("data", (data) => (stderr += data));
      child.on("exit", (status) => {
        const said = stdout.trim() ? JSON.parse(stdout).hookSpecificOutput : {};
        resolve({ status, decision: said.permissionDecision, reason: said.permissionDecisionReason, stderr });
      });
    });
  }

  async signIn(page) {
    await page.goto(this.link);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "Waiting for you" })).toBeVisible();
  }

  // The API with a token. The page's own session is good for it too.
  async api(method, path, secret, body) {
    const headers = { Authorization: `Bearer ${secret}` };
    return fetch(this.origin + path, { method, headers, body: body && JSON.stringify(body) });
  }

  call(command) {
    return { host: "countersign", tool: "shell", args: { resource: command }, cwd: this.project, project: this.project };
  }

  async end() {
    for (const child of this.children) if (child.exitCode === null) child.kill("SIGTERM");
    await Promise.all(this.children.map((child) => child.exitCode !== null || new Promise((done) => child.on("exit", done))));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// A page's script must never complain, and the page must load nothing from elsewhere.
export const test = base.extend({
  countersign: async ({}, use) => {
    const countersign = new Countersign();
    await countersign.serve();
    await use(countersign);
    await countersign.end();
  },
  page: async ({ page, countersign }, use) => {
    void countersign; // which ends after the page
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !/\b(409|422)\b/.test(message.text())) complaints.push(message.text());
    });
    await use(page);
    expect(complaints).toEqual([]);
  },
});

// Waits until the page takes answers: for a moment after a change it takes none.
export async function settled(page) {
  await expect(page.locator("#inbox.settling")).toHaveCount(0);
}

// Presses a button of a question, and sees what became of it.
export async function press(page, question, name, notice) {
  await settled(page);
  await question.getByRole("button", { name, exact: true }).click();
  await expect(page.getByText(notice)).toBeVisible();
}

export async function live(page) {
  await expect(page.locator("#status")).toHaveAttribute("data-live", "yes");
}

export async function secret(context) {
  const cookies = await context.cookies();
  return cookies.find((cookie) => cookie.name === "countersign").value;
}

export { expect };
