// Keys, and care for the hand on the mouse. The page works without this file.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);

  // A code that came behind the `#` never went over the wire nor into a log; it is put into the form, not sent.
  const code = byId("code");
  if (code) {
    if (location.hash.length > 1) {
      code.value = decodeURIComponent(location.hash.slice(1));
      history.replaceState(null, "", location.pathname);
    }
    return;
  }

  const inbox = byId("inbox");
  const status = byId("status");
  if (!inbox || !status) return;
  const questions = () => [...inbox.querySelectorAll(".question")];
  const ids = () => questions().map((question) => question.id).join(" ");

  // Notices of the last answer are for one look.
  if (location.search) history.replaceState(null, "", location.pathname);
  document.querySelector("footer .keys").hidden = false;
  status.hidden = false;

  function live(yes) {
    status.dataset.live = yes ? "yes" : "no";
    status.textContent = yes ? "live" : "connection lost, trying again";
  }
  document.addEventListener("htmx:sse:after:connection", (event) => live(event.detail.connection.status < 400));
  document.addEventListener("htmx:sse:error", () => live(false));
  document.addEventListener("htmx:sse:close", () => live(false));

  // When the list is new or has changed, no answer counts for a moment: what slid under the pointer, or comes after a
  // double click, was not what was read.
  const SETTLE = 700;
  let before = ids();
  let settled = 0;
  function settle() {
    settled = performance.now() + SETTLE;
    inbox.classList.add("settling");
    setTimeout(() => {
      if (performance.now() >= settled) inbox.classList.remove("settling");
    }, SETTLE + 1);
  }
  settle();
  document.addEventListener("htmx:after:swap", () => {
    const after = ids();
    if (after === before) return;
    before = after;
    settle();
    const open = questions().length;
    document.title = (open ? `(${open}) ` : "") + "Countersign";
    if (current && !current.isConnected) mark(null);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches(".answer") && performance.now() < settled) event.preventDefault();
  });
  // Enter in the text field would press the first button, which allows.
  inbox.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input[type=text]")) event.preventDefault();
  });

  let current = null;
  function mark(question) {
    if (current) current.classList.remove("current");
    current = question;
    if (!question) return;
    question.classList.add("current");
    question.focus({ preventScroll: true });
    question.scrollIntoView({ block: "nearest" });
  }
  function move(by) {
    const all = questions();
    const at = all.indexOf(current);
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
    if (all[next]) mark(all[next]);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest("input[type=text], select, textarea, dialog")) return;
    const help = byId("help");
    switch (event.key) {
      case "j": return move(1);
      case "k": return move(-1);
      case "?": return help.open ? help.close() : help.showModal();
      case "a": case "s": case "d": {
        const button = current && current.querySelector(`button[data-key="${event.key}"]`);
        if (button) button.form.requestSubmit(button);
      }
    }
  });
})();
