/* Small help for pages that already work without it. No inline handlers, no globals. */
(() => {
  "use strict";
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // errors first: the summary takes the focus
  const summary = document.querySelector("[data-focus]");
  if (summary) summary.focus();

  // work that goes on: look again after a while, but not under the hands of somebody at a form
  const again = document.querySelector("[data-reload-after]");
  if (again) {
    const look = () => (document.activeElement && document.activeElement.closest("form") ? setTimeout(look, 2000) : location.reload());
    setTimeout(look, 1000 * Number(again.dataset.reloadAfter));
  }

  // a part of the page that looks again while work goes on: [data-fragment=address] around a [data-again=seconds]
  all("[data-fragment]").forEach((part) => {
    const later = () => {
      const mark = part.querySelector("[data-again]");
      if (mark) setTimeout(look, 1000 * Number(mark.dataset.again));
    };
    const look = async () => {
      if (part.contains(document.activeElement) && document.activeElement.closest("form")) return later();
      const answer = await fetch(part.dataset.fragment, { credentials: "same-origin" }).catch(() => null);
      if (answer && answer.ok && !answer.redirected) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html"); // scripts in it do not run
        if (!fresh.querySelector("[data-again]")) return location.reload(); // over: its forms want what a page gives them
        part.replaceChildren(...fresh.body.childNodes);
      }
      later();
    };
    later();
  });

  // a page that keeps up: [data-live=seconds] looks again and puts in place what is new of each [data-live-part]. It pauses when asked, when
  // nobody sees it, and after ten minutes without a hand: an empty chair must not keep a session alive
  const live = document.querySelector("[data-live]");
  if (live) {
    const button = live.querySelector("button"), words = live.querySelector("[role=status]");
    let paused = false, touched = Date.now();
    const show = (said) => {
      words.textContent = said || (paused ? live.dataset.off : live.dataset.on);
      button.textContent = paused ? button.dataset.go : button.dataset.pause;
    };
    const busy = (part) => part.contains(document.activeElement) || part.querySelector("details[open]");
    const look = async () => {
      if (!paused && Date.now() - touched > 600000) { paused = true; show(); }
      if (paused || document.hidden || document.querySelector("dialog[open]")) return;
      const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
      if (paused) return;
      if (answer && answer.redirected) return location.reload(); // the session is over
      if (!answer || !answer.ok) return show(live.dataset.lost);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html"); // scripts in it do not run
      all("[data-live-part]").forEach((part) => {
        const found = fresh.getElementById(part.id);
        if (found && !busy(part)) part.replaceChildren(...found.childNodes);
      });
      show();
    };
    ["pointerdown", "keydown", "scroll"].forEach((hand) => addEventListener(hand, () => { touched = Date.now(); }, { passive: true }));
    button.addEventListener("click", () => { paused = !paused; touched = Date.now(); show(); if (!paused) look(); });
    live.hidden = false;
    show();
    setInterval(look, 1000 * Number(live.dataset.live));
  }

  // menus made of <details>: Escape and a click elsewhere close them
  document.addEventListener("click", (event) => {
    all("details.chip-menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    all("details.chip-menu[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });
  all("details.chip-menu").forEach((menu) => menu.addEventListener("toggle", () => {
    if (menu.open) { const first = menu.querySelector(".chip-panel input, .chip-panel select, .chip-panel a"); if (first) first.focus(); }
  }));

  // a list's head stays in sight: under the top line when the list fits, in the list's own frame when it is wider than the page
  const frames = all(".table-wrap").filter((frame) => frame.querySelector(":scope > .table-sticky"));
  if (frames.length) {
    const fit = () => frames.forEach((frame) => {
      frame.classList.remove("is-whole", "is-wide");
      frame.classList.add(frame.scrollWidth > frame.clientWidth ? "is-wide" : "is-whole");
    });
    fit();
    addEventListener("resize", fit);
    if (document.fonts) document.fonts.ready.then(fit);
  }

  // rows picked for one action; without script the bar is simply always there
  all("form[data-selection]").forEach((form) => {
    const boxes = all("input[name=rowid]", form);
    const every = form.querySelector("[data-select-all]");
    const bar = form.querySelector(".selection-bar");
    const number = form.querySelector("[data-selected-count]");
    if (!bar || !boxes.length) return;
    const update = () => {
      const picked = boxes.filter((box) => box.checked);
      bar.hidden = picked.length === 0;
      if (number) number.textContent = String(picked.length);
      boxes.forEach((box) => box.closest("tr").setAttribute("aria-selected", String(box.checked)));
      if (every) { every.checked = picked.length === boxes.length; every.indeterminate = picked.length > 0 && !every.checked; }
    };
    if (every) every.addEventListener("change", () => { boxes.forEach((box) => { box.checked = every.checked; }); update(); });
    boxes.forEach((box) => box.addEventListener("change", update));
    const clear = form.querySelector("[data-clear-selection]");
    if (clear) clear.addEventListener("click", (event) => { event.preventDefault(); boxes.forEach((box) => { box.checked = false; }); update(); });
    update();
  });

  // <button data-dialog="id"> opens a <dialog>; a button with value="cancel" closes it
  all("[data-dialog]").forEach((opener) => {
    const dialog = document.getElementById(opener.dataset.dialog);
    if (!dialog || !dialog.showModal) return;
    opener.addEventListener("click", (event) => { event.preventDefault(); dialog.showModal(); });
    all("[data-close]", dialog).forEach((button) => button.addEventListener("click", () => dialog.close()));
  });

  // <form data-confirm="what follows" data-confirm-label="the act">: asks once, in the page's own dialog
  all("[data-confirm]").forEach((control) => {
    const form = control.form || control;
    form.addEventListener("submit", (event) => {
      if (event.submitter !== control && control !== form) return;
      if (form.dataset.confirmed) return;
      const dialog = document.createElement("dialog");
      if (!dialog.showModal) return;
      event.preventDefault();
      const make = (tag, cls, text) => { const node = document.createElement(tag); if (cls) node.className = cls; if (text) node.textContent = text; return node; };
      const head = make("div", "dialog-head");
      head.append(make("h2", "", control.dataset.confirmTitle || control.textContent.trim()));
      const body = make("div", "dialog-body");
      body.append(make("p", "", control.dataset.confirm));
      const foot = make("div", "dialog-foot");
      const cancel = make("button", "btn", control.dataset.cancelLabel || document.documentElement.dataset.cancel || "取消");
      const go = make("button", control.dataset.danger !== undefined ? "btn btn-danger" : "btn btn-primary", control.dataset.confirmLabel || control.textContent.trim());
      cancel.type = go.type = "button";
      foot.append(cancel, go);
      dialog.append(head, body, foot);
      document.body.append(dialog);
      cancel.addEventListener("click", () => dialog.close());
      dialog.addEventListener("close", () => dialog.remove());
      go.addEventListener("click", () => { form.dataset.confirmed = "1"; dialog.close(); form.requestSubmit(event.submitter || undefined); });
      dialog.showModal();
      cancel.focus();
    });
  });

  // <button data-copy="id" hidden>: the text or value of that element into the clipboard; without script there is no button
  all("[data-copy]").forEach((button) => {
    const source = document.getElementById(button.dataset.copy);
    if (!source || !navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const lines = all("li", source).map((line) => line.textContent);
      await navigator.clipboard.writeText(source.value || lines.join("\n") || source.textContent);
      button.textContent = button.dataset.copied;
    });
  });

  // one submit per press
  all("form[method=post]").forEach((form) => form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    setTimeout(() => all("button[type=submit], button:not([type])", form).forEach((button) => { if (!button.disabled) { button.disabled = true; button.dataset.sent = ""; } }), 0);
  }));
  window.addEventListener("pageshow", () => all("button[data-sent]").forEach((button) => { button.disabled = false; delete button.dataset.sent; })); // one that came disabled stays so

  // an option found by typing: <div class="lookup" data-url> with a hidden select as the value
  all(".lookup[data-url]").forEach((box) => {
    const value = box.querySelector("input[type=hidden]");
    const input = box.querySelector("input[type=text]");
    const list = box.querySelector(".lookup-list");
    let timer, options = [], at = -1, asked = 0;
    const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); at = -1; };
    const pick = (option) => { value.value = option.id; input.value = option.text; input.dataset.shown = option.text; close(); };
    const mark = () => all("[role=option]", list).forEach((node, i) => {
      node.setAttribute("aria-selected", String(i === at));
      if (i === at) { input.setAttribute("aria-activedescendant", node.id); node.scrollIntoView({ block: "nearest" }); }
    });
    const show = () => {
      list.replaceChildren(...options.map((option, i) => {
        const node = document.createElement("div");
        node.id = `${input.id}-o${i}`;
        node.setAttribute("role", "option");
        node.textContent = option.text;
        node.addEventListener("mousedown", (event) => { event.preventDefault(); pick(option); });
        return node;
      }));
      if (!options.length) { const none = document.createElement("div"); none.className = "none"; none.textContent = box.dataset.none; list.append(none); }
      list.hidden = false; input.setAttribute("aria-expanded", "true"); at = -1;
    };
    const ask = async () => {
      const mine = ++asked;
      const answer = await fetch(`${box.dataset.url}?q=${encodeURIComponent(input.value)}`, { credentials: "same-origin", headers: { Accept: "application/json" } });
      if (!answer.ok || mine !== asked) return;
      options = (await answer.json()).options;
      show();
    };
    input.addEventListener("input", () => { if (!input.value) value.value = ""; clearTimeout(timer); timer = setTimeout(ask, 180); });
    input.addEventListener("focus", () => { clearTimeout(timer); timer = setTimeout(ask, 0); });
    input.addEventListener("blur", () => { close(); if (input.value !== (input.dataset.shown || "")) { input.value = input.value ? input.dataset.shown || "" : ""; } if (!input.value) { value.value = ""; input.dataset.shown = ""; } });
    input.addEventListener("keydown", (event) => {
      if (list.hidden) { if (event.key === "ArrowDown") ask(); return; }
      if (event.key === "ArrowDown") { at = Math.min(at + 1, options.length - 1); mark(); event.preventDefault(); }
      else if (event.key === "ArrowUp") { at = Math.max(at - 1, 0); mark(); event.preventDefault(); }
      else if (event.key === "Enter" && at >= 0) { pick(options[at]); event.preventDefault(); }
      else if (event.key === "Escape") close();
    });
  });
})();
