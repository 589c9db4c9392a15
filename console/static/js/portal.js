/* The citizen's door saves earlier than its buttons do. Every page works without this file. */
(() => {
  "use strict";
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const token = () => (document.querySelector("input[name=csrf_token]") || {}).value || "";
  const icon = document.querySelector(".icon use");
  const sprite = icon ? icon.getAttribute("href").split("#")[0] : "";
  const send = (url, body) => fetch(url, {
    method: "POST", body, credentials: "same-origin",
    headers: { "X-Requested-With": "fetch", "X-CSRFToken": token(), Accept: "application/json" },
  });
  document.documentElement.classList.add("has-script");

  const tell = (words, busy) => all("[data-saved]").forEach((place) => {
    place.querySelector("span").textContent = words;
    place.classList.toggle("is-busy", Boolean(busy));
  });

  // ── what is wrong with one question, beside it ─────────────────────────────
  const mark = (frame, problems) => {
    const place = frame.querySelector(":scope > .errors");
    if (!place) return;
    place.replaceChildren(...problems.map((text) => {
      const line = document.createElement("p");
      line.className = "error";
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("class", "icon");
      svg.setAttribute("aria-hidden", "true");
      const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
      use.setAttribute("href", `${sprite}#i-alert`);
      svg.append(use);
      const words = document.createElement("span");
      words.textContent = text;
      line.append(svg, words);
      return line;
    }));
    frame.classList.toggle("field-error", problems.length > 0);
    all("input, select, textarea", frame).forEach((control) => {
      if (control.type === "hidden" || control.type === "file") return;
      if (problems.length) control.setAttribute("aria-invalid", "true"); else control.removeAttribute("aria-invalid");
      const described = new Set((control.getAttribute("aria-describedby") || "").split(" ").filter(Boolean));
      if (problems.length) described.add(place.id); else described.delete(place.id);
      if (described.size) control.setAttribute("aria-describedby", Array.from(described).join(" ")); else control.removeAttribute("aria-describedby");
    });
  };

  // ── autosave: one question at a time, in the order they were changed ───────
  const form = document.querySelector("form[data-autosave]");
  if (form) {
    const waiting = new Map();
    let running = false;
    const frameOf = (path) => all("[data-path]", form).find((frame) => frame.dataset.path === path);
    const run = async () => {
      if (running) return;
      running = true;
      while (waiting.size) {
        const [path, body] = waiting.entries().next().value;
        tell(form.dataset.saving, true);
        try {
          const answer = await send(form.dataset.autosave, body);
          if (waiting.get(path) === body) waiting.delete(path);
          if (!answer.ok) { tell(form.dataset.failed); continue; }
          const found = await answer.json();
          tell(found.saved);
          const frame = frameOf(path);
          if (frame && !waiting.has(path)) mark(frame, found.problems);
          Object.entries(found.shown).forEach(([at, shown]) => {
            const other = frameOf(at);
            if (other) other.hidden = !shown;
          });
        } catch {
          tell(form.dataset.offline);
          break; // kept in `waiting` until the line is back
        }
      }
      running = false;
    };
    const queue = (frame) => {
      const path = frame.dataset.path;
      const body = new FormData();
      body.set("path", path);
      all("input, select, textarea", frame).forEach((control) => {
        if (!control.name || control.disabled || control.type === "file") return;
        if ((control.type === "checkbox" || control.type === "radio") && !control.checked) return;
        body.append(control.name, control.value);
      });
      waiting.delete(path);
      waiting.set(path, body);
      run();
    };
    form.addEventListener("change", (event) => {
      const frame = event.target.closest("[data-path]");
      if (!frame || event.target.type === "file") return;
      if (frame.querySelector("[data-path]")) return; // a group saves by its questions
      if (event.target.closest(".period") && event.target.type !== "checkbox") {
        const open = all("input:not([type=checkbox])", frame).some((control) => !control.value) && !frame.querySelector("input[type=checkbox]:checked");
        if (open) return; // half a period is on its way, not wrong
      }
      queue(frame);
    });
    window.addEventListener("online", run);
    window.setInterval(() => { if (waiting.size) run(); }, 5000);
    window.addEventListener("beforeunload", (event) => { if (waiting.size) event.preventDefault(); });
    form.addEventListener("submit", () => waiting.clear()); // the form carries everything

    // a period's “until now” empties its end
    form.addEventListener("change", (event) => {
      const period = event.target.closest(".period");
      if (!period) return;
      const end = all("input:not([type=checkbox])", period)[1];
      const now = period.querySelector("input[type=checkbox]");
      if (event.target === now && now.checked && end) end.value = "";
      if (event.target === end && end.value && now) now.checked = false;
    });

    // ── a chosen file goes up at once ──────────────────────────────────────
    form.addEventListener("change", async (event) => {
      const input = event.target;
      if (input.type !== "file" || !input.files.length) return;
      const frame = input.closest("[data-path]");
      const place = input.closest("[data-upload]");
      const body = new FormData();
      body.set("path", place.dataset.upload);
      Array.from(input.files).forEach((file) => body.append("file", file));
      place.classList.add("is-busy");
      tell(form.dataset.saving, true);
      try {
        const answer = await send(form.dataset.attach, body);
        if (answer.status === 413) { input.value = ""; tell(form.dataset.failed); mark(frame, [form.dataset.failed]); return; }
        const found = await answer.json();
        const fresh = new DOMParser().parseFromString(found.html, "text/html").body.firstElementChild;
        place.replaceWith(fresh);
        mark(frame, found.problems);
        tell(found.saved);
        const next = fresh.querySelector("input[type=file]") || fresh.querySelector("a");
        if (next) next.focus();
      } catch {
        tell(form.dataset.offline);
      } finally {
        place.classList.remove("is-busy");
      }
    });
  }

  // ── codes and names of specialties, as they are typed ──────────────────────
  document.addEventListener("input", (() => {
    let timer;
    return (event) => {
      const box = event.target.closest("[data-specialties]");
      if (!box || !event.target.list || event.target.value.length < 2) return;
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const standard = box.querySelector("[name$='.standard']").value;
        const answer = await fetch(`${box.dataset.specialties}?standard=${encodeURIComponent(standard)}&q=${encodeURIComponent(event.target.value)}`, { credentials: "same-origin" });
        if (!answer.ok) return;
        event.target.list.replaceChildren(...(await answer.json()).map((one) => {
          const option = document.createElement("option");
          option.value = `${one.code} ${one.name}`;
          return option;
        }));
      }, 200);
    };
  })());

  // ── the exam: each answer at once, time by the server ──────────────────────
  const paper = document.querySelector("form[data-exam]");
  const watch = document.querySelector("[data-left]");
  if (paper && watch) {
    const pending = new Map();
    const link = document.querySelector("[data-link]");
    let busy = false;
    let ends = performance.now() + Number(watch.dataset.left) * 1000;
    const show = () => {
      const left = Math.max(0, Math.round((ends - performance.now()) / 1000));
      watch.textContent = `${String(Math.floor(left / 60)).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`;
      watch.classList.toggle("is-short", left < 300);
      if (left === 0 && !paper.dataset.over) {
        paper.dataset.over = "1";
        paper.dataset.confirmed = "1";
        const button = document.querySelector("button[form=paper][value=finish]");
        paper.requestSubmit(button || undefined);
      }
    };
    window.setInterval(show, 1000);
    show();
    const store = `ruku:${paper.dataset.exam}`;
    const remember = () => { try { sessionStorage.setItem(store, JSON.stringify(Array.from(pending))); } catch { /* private window */ } };
    const flush = async () => {
      if (busy) return;
      busy = true;
      while (pending.size) {
        const [question, choices] = pending.entries().next().value;
        const body = new FormData();
        body.set("question", question);
        choices.forEach((choice) => body.append(`choice:${question}`, choice));
        try {
          const answer = await send(paper.dataset.exam, body);
          if (answer.status >= 500) throw new Error();
          if (pending.get(question) === choices) pending.delete(question);
          remember();
          link.hidden = true;
          if (answer.ok) {
            const found = await answer.json();
            tell(found.saved);
            ends = performance.now() + found.left * 1000;
          } else { tell(paper.dataset.failed); window.location.reload(); }
        } catch {
          link.hidden = false;
          break;
        }
      }
      busy = false;
    };
    const count = () => {
      const done = all("[data-question]", paper).filter((card) => card.querySelector("input:checked")).length;
      all("[data-answered]").forEach((place) => { place.textContent = String(done); });
    };
    paper.addEventListener("change", (event) => {
      const card = event.target.closest("[data-question]");
      if (!card) return;
      const question = card.dataset.question;
      const chosen = all("input:checked", card).map((input) => input.value);
      all(".option", card).forEach((option) => option.classList.toggle("option-on", option.querySelector("input").checked));
      const number = all(".palette a").find((a) => a.dataset.for === question);
      if (number) {
        number.classList.toggle("answered", chosen.length > 0);
        number.setAttribute("aria-label", chosen.length ? number.dataset.wordsDone : number.dataset.words);
      }
      count();
      pending.delete(question);
      pending.set(question, chosen);
      remember();
      flush();
    });
    try { JSON.parse(sessionStorage.getItem(store) || "[]").forEach(([question, choices]) => {
      const card = all("[data-question]", paper).find((one) => one.dataset.question === question);
      if (!card) return;
      all("input[type=radio], input[type=checkbox]", card).forEach((input) => { input.checked = choices.includes(input.value); });
      pending.set(question, choices);
    }); flush(); } catch { /* nothing kept */ }
    window.addEventListener("online", flush);
    window.addEventListener("offline", () => { link.hidden = false; });
    window.setInterval(() => { if (pending.size) flush(); }, 5000);
    window.setInterval(async () => {
      try {
        const answer = await fetch(watch.dataset.clock, { credentials: "same-origin" });
        if (answer.ok) { const found = await answer.json(); ends = performance.now() + found.left * 1000; if (found.over) window.location.reload(); }
      } catch { link.hidden = false; }
    }, 60000);
  }

  // ── a letter that was opened counts as read ────────────────────────────────
  const letter = document.querySelector("[data-read]");
  if (letter) send(letter.dataset.read, new FormData()).catch(() => {});
})();
