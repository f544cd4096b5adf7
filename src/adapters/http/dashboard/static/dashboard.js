"use strict";
// What pages cannot do by themselves: tell times in the reader's zone, copy, and show what has just come in.
(() => {
  const clock = new Intl.DateTimeFormat(navigator.language, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
  });
  const said = document.getElementById("said");

  function tellTimes(within) {
    for (const time of within.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (!Number.isNaN(moment.getTime())) time.textContent = clock.format(moment);
    }
  }

  function offerCopies(within) {
    for (const button of within.querySelectorAll("button[data-copy]")) {
      if (!navigator.clipboard) continue;
      button.hidden = false;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
        said.textContent = button.textContent = "Copied";
      });
    }
  }

  function askFirst(within) {
    for (const button of within.querySelectorAll("button[data-sure]")) {
      button.addEventListener("click", (event) => {
        if (!confirm(`${button.textContent}? ${button.dataset.sure}`)) event.preventDefault();
      });
    }
  }

  function prepare(within) {
    tellTimes(within);
    offerCopies(within);
    askFirst(within);
    document.dispatchEvent(new CustomEvent("refport:shown", { detail: within }));
  }

  // Parts with `data-live` and an id are replaced by what the same address shows now.
  let refreshing = false, again = false;
  async function refresh() {
    if (refreshing) { again = true; return; }
    refreshing = true;
    try {
      const answer = await fetch(location.href, { headers: { "Refport-Script": "1" }, redirect: "error" });
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      let arrived = 0;
      for (const part of document.querySelectorAll("[data-live][id]")) {
        const fresh = page.getElementById(part.id);
        if (!fresh || fresh.outerHTML === part.dataset.shown) continue;
        const known = new Set([...part.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
        const source = fresh.outerHTML;
        for (const row of fresh.querySelectorAll("[data-row]")) {
          if (!known.has(row.dataset.row)) { row.classList.add("arrived"); arrived += 1; }
        }
        const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
        part.replaceChildren(...fresh.childNodes);
        part.dataset.shown = source;
        prepare(part);
        if (focused !== null) [...part.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === focused)?.focus();
      }
      if (arrived) said.textContent = `${arrived} new`;
    } catch {
      // The stream tells again when the host is back.
    } finally {
      refreshing = false;
      if (again) { again = false; refresh(); }
    }
  }

  prepare(document);
  const feed = document.documentElement.dataset.feed;
  if (feed && document.querySelector("[data-live][id]")) {
    const stream = new EventSource(feed);
    stream.addEventListener("message", refresh);
    addEventListener("pagehide", () => stream.close());
  }
})();
