// What a page does beyond reading: counts on, keeps what somebody types or opened, draws charts with a cursor.
// Without it every page can be read; forms and filters work too.
"use strict";

(() => {
  const $ = (selector) => document.querySelector(selector);

  // A live update changes what is around a person's own doing, never that itself.
  const callbacks = Idiomorph.defaults.callbacks;
  callbacks.beforeNodeMorphed = (old) =>
    !(old.nodeType === 1 && (old.matches("input:not([type=hidden]), textarea, select") || old.hasAttribute("data-drawn")));
  callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.localName === "details");

  // -- time goes on between two polls

  const words = (seconds) => {
    const s = Math.max(0, Math.round(seconds));
    const parts = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
    const found = [];
    let rest = s;
    for (const [size, unit] of parts) {
      if (rest >= size) found.push(Math.floor(rest / size) + unit);
      rest %= size;
    }
    return found.slice(0, 2).join("") || "0s";
  };
  const countOn = () => {
    for (const one of document.querySelectorAll("time[data-ago]")) {
      const passed = (Date.now() - Date.parse(one.dateTime)) / 1000;
      const text = one.dataset.ago === "for" ? words(passed) : passed < 0 ? "in " + words(-passed) : words(passed) + " ago";
      if (one.textContent !== text) one.textContent = text;
    }
  };

  // -- a page that is out of date says so

  let asOf = new Date();
  const lost = (is) => {
    const note = $("#lost");
    if (!note) return;
    if (is && note.hidden) note.querySelector("time").textContent = "what was known at " + asOf.toLocaleTimeString();
    note.hidden = !is;
  };
  let wasLost = false;
  document.addEventListener("htmx:sseError", () => { wasLost = true; lost(true); });
  document.addEventListener("htmx:sseOpen", () => {
    lost(false);
    if (wasLost) htmx.trigger("#live", "sse:changed"); // what happened meanwhile
    wasLost = false;
  });
  document.addEventListener("htmx:sendError", () => lost(true));

  // -- forms

  const refused = (text) => {
    const note = $("#refused");
    note.textContent = text;
    note.hidden = !text;
    if (text) note.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("htmx:beforeRequest", () => refused(""));
  document.addEventListener("htmx:responseError", (event) => {
    const answer = event.detail.xhr;
    if (answer.status === 401) {
      location.assign("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
      return;
    }
    const page = new DOMParser().parseFromString(answer.responseText, "text/html");
    const message = page.querySelector(".message");
    refused("That did not work: " + (message ? message.textContent : answer.responseText || answer.status));
  });
  const remembered = () => {
    try { return localStorage.getItem("watchdog-author") || ""; } catch { return ""; }
  };
  const prefill = () => {
    const author = remembered();
    if (author) for (const one of document.querySelectorAll("input[name=author]")) if (!one.value) one.value = author;
  };
  document.addEventListener("submit", (event) => {
    const author = event.target.querySelector("input[name=author]");
    try { if (author && author.value) localStorage.setItem("watchdog-author", author.value); } catch { /* private mode */ }
  }, true);
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt;
    if (event.detail.successful && form.localName === "form" && form.method === "post") {
      for (const one of form.querySelectorAll("input[name=comment]")) one.value = "";
      const around = form.closest("details");
      if (around) around.open = false;
    }
  });

  // -- the chart of an episode, with a cursor

  let plot = null;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const inUnit = (unit) => (value) => {
    if (value === null || value === undefined) return "no reading";
    const scale = { ms: 0.001, s: 1 }[unit];
    if (scale) {
      const seconds = value * scale;
      return Math.abs(seconds) < 1 ? Math.round(seconds * 1000) + "ms" : (seconds < 0 ? "-" : "") + words(Math.abs(seconds));
    }
    if (unit === "bytes") {
      let size = value, step = 0;
      while (Math.abs(size) >= 1024 && step < 4) { size /= 1024; step++; }
      return +size.toFixed(1) + " " + ["B", "KiB", "MiB", "GiB", "TiB"][step];
    }
    return String(+value.toPrecision(6));
  };
  const draw = async () => {
    const figure = $("#chart");
    if (!figure || typeof uPlot === "undefined") return;
    const answer = await fetch(figure.dataset.src);
    if (!answer.ok) return;
    const found = await answer.json();
    const width = Math.min(figure.clientWidth || 640, 1100);
    const show = inUnit(found.unit);
    const limit = found.times.map(() => found.limit);
    const options = {
      width, height: 240, padding: [12, 12, 0, 0],
      scales: { y: { range: (u, low, high) => {
        const all = found.limit === null ? [low, high] : [Math.min(low, found.limit), Math.max(high, found.limit)];
        const from = all[0] > 0 && all[0] < all[1] * 0.6 ? 0 : all[0];
        return [from, all[1] + (all[1] - from || 1) * 0.12];
      } } },
      axes: [
        { stroke: colour("--faint"), grid: { show: false }, ticks: { stroke: colour("--line") } },
        { stroke: colour("--faint"), grid: { stroke: colour("--line") }, ticks: { show: false }, size: 70,
          values: (u, ticks) => ticks.map(show) },
      ],
      series: [
        { label: "Time" },
        { label: found.metric, stroke: colour("--link"), width: 2, value: (u, value) => show(value) },
        ...(found.limit === null ? [] : [{ label: "Limit", stroke: colour("--bad"), width: 1, dash: [5, 4],
          points: { show: false }, value: (u, value) => show(value) }]),
      ],
      hooks: { drawClear: [(u) => {
        const from = Math.max(u.valToPos(found.began, "x", true), u.bbox.left);
        const until = Math.min(u.valToPos(found.ended === null ? found.now : found.ended, "x", true), u.bbox.left + u.bbox.width);
        u.ctx.fillStyle = colour("--shade");
        u.ctx.fillRect(from, u.bbox.top, Math.max(2, until - from), u.bbox.height);
      }] },
    };
    const data = [found.times, found.values, ...(found.limit === null ? [] : [limit])];
    if (plot && plot.root.isConnected && plot.series.length === data.length) { plot.setData(data); return; }
    const label = figure.querySelector("svg")?.getAttribute("aria-label");
    figure.replaceChildren();
    figure.setAttribute("data-drawn", "");
    figure.setAttribute("role", "img");
    if (label) figure.setAttribute("aria-label", label);
    plot = new uPlot(options, data, figure);
  };
  const again = () => { if (plot) { plot.destroy(); plot = null; } draw(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  addEventListener("resize", () => {
    const figure = $("#chart");
    if (plot && figure) plot.setSize({ width: Math.min(figure.clientWidth || 640, 1100), height: 240 });
  });

  const settled = () => {
    asOf = new Date();
    prefill();
    countOn();
    draw();
  };
  document.addEventListener("htmx:afterSettle", settled);
  document.addEventListener("htmx:afterSettle", () => {
    const title = document.title.replace(/^\(\d+\) firing|^Nothing fires/, () => {
      const firing = Number($("#live").dataset.firing);
      return firing ? `(${firing}) firing` : "Nothing fires";
    });
    if (title !== document.title) document.title = title;
  });
  setInterval(countOn, 1000);
  settled();
})();
