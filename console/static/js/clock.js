/* The clock of a public notice ticks, and is asked for anew from time to time. The page says everything without this file. */
(() => {
  "use strict";
  const AGAIN = 5 * 60 * 1000;
  const place = () => document.querySelector("[data-clock]");
  let asked = Date.now();
  let began = Date.now();

  const tick = () => {
    const clock = place();
    if (!clock) return;
    // the server's clock, not the reader's: both are read when the page comes
    const now = Date.parse(clock.dataset.now) + (Date.now() - began);
    const left = Math.max(0, Math.floor((Date.parse(clock.dataset.until) - now) / 60000));
    const parts = { d: Math.floor(left / 1440), h: Math.floor((left % 1440) / 60), m: left % 60 };
    clock.querySelector("[data-left]").textContent = clock.dataset.words.replace(/\{([dhm])\}/g, (_whole, part) => parts[part]);
  };

  const renew = async () => {
    if (document.hidden || Date.now() - asked < AGAIN) return;
    asked = Date.now();
    try {
      const answer = await fetch(window.location.href, { credentials: "same-origin" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-clock]");
      const old = place();
      if (!fresh) { window.location.reload(); return; } // the window has ended
      if (old) { old.replaceWith(document.importNode(fresh, true)); began = Date.now(); tick(); }
    } catch { /* away for a moment: what stands there is still true */ }
  };

  tick();
  window.setInterval(() => { tick(); renew(); }, 15000);
  document.addEventListener("visibilitychange", renew);
})();
