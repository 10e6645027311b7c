// What a page does beyond reading: counts on, keeps what somebody types or opened, draws charts with a cursor.
// Without it every page can be read; forms and filters work too.
"use strict";

(() => {
  const $ = (selector) => document.querySelector(selector);

  // A live update changes what is around a person's own doing, never that itself.
  const callbacks = Idiomorph.defaults.callbacks;
  callbacks.beforeNodeMorphed = (old) =>
    !(old.nodeType === 1 && (old.matches("input:not([type=hidden]), textarea, select, #preview") || old.hasAttribute("data-drawn")));
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

  const PATIENCE = 40; // seconds without a word from the watchdog, which says something every 15
  let asOf = new Date();
  let heard = Date.now();
  const lost = (is) => {
    const note = $("#lost");
    if (!note) return;
    if (is && note.hidden) note.querySelector("time").textContent = "what was known at " + asOf.toISOString().slice(11, 19) + " UTC";
    note.hidden = !is;
    document.body.classList.toggle("gone", is);
  };
  let wasLost = false;
  const word = () => {
    heard = Date.now();
    lost(false);
    if (wasLost) htmx.trigger("#live", "sse:changed"); // what happened meanwhile
    wasLost = false;
  };
  const silent = () => { wasLost = true; lost(true); };
  document.addEventListener("htmx:sseError", silent);
  document.addEventListener("htmx:sseOpen", (event) => {
    word();
    event.detail.source.addEventListener("alive", word);
    event.detail.source.addEventListener("changed", word);
  });
  document.addEventListener("htmx:sendError", () => lost(true));
  const listen = () => { if ($("#lost") && Date.now() - heard > PATIENCE * 1000) silent(); };

  // -- what has changed is said, for who does not see it

  const shown = () => new Map([...document.querySelectorAll(".alert[id]")].map((one) => [one.id, one.querySelector("h3").innerText]));
  let before = shown();
  const say = () => {
    const now = shown();
    const fresh = [...now].filter(([id]) => !before.has(id));
    const over = [...before].filter(([id]) => !now.has(id));
    for (const [id] of fresh) document.getElementById(id).classList.add("fresh");
    const words = [...fresh.map(([, text]) => "New: " + text), ...over.map(([, text]) => "Over: " + text)];
    if (words.length && $("#said")) $("#said").textContent = words.slice(0, 4).join(". ");
    before = now;
  };

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
  document.addEventListener("change", (event) => {
    const one = event.target;
    try { if (one.name === "author" && one.value) localStorage.setItem("watchdog-author", one.value); } catch { /* private mode */ }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt.closest("form");
    if (event.detail.successful && form && form.method === "post") {
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
    if (value === 0) return "0";
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
  const CLOCK = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const steps = (unit) => { // of an axis, round in the unit
    const scale = { ms: 1000, s: 1 }[unit];
    const small = [...Array(12).keys()].flatMap((power) => [1, 2, 5].map((one) => one * 10 ** (power - 3)));
    if (scale) return [...small.filter((one) => one < scale), ...CLOCK.map((one) => one * scale), ...small.filter((one) => one > 86400 * scale)];
    return unit === "bytes" ? [...Array(50).keys()].map((power) => 2 ** power) : [...small, ...small.map((one) => one * 1e12)];
  };
  const clock = (seconds, exact) => new Date(seconds * 1000).toISOString().slice(11, exact ? 19 : 16);
  const write = (u, text, x, y, ink) => {
    u.ctx.fillStyle = ink;
    u.ctx.textAlign = "left";
    u.ctx.font = `${12 * devicePixelRatio}px "Public Sans", sans-serif`;
    u.ctx.fillText(text, x, y);
  };
  const draw = async () => {
    const figure = $("#chart");
    if (!figure || typeof uPlot === "undefined") return;
    const answer = await fetch(figure.dataset.src);
    if (!answer.ok) return;
    const found = await answer.json();
    const width = inside(figure);
    const show = inUnit(found.unit);
    const last = found.values.findLast((one) => one !== null);
    const limit = found.times.map(() => found.limit);
    const font = '12px "Public Sans", sans-serif';
    const options = {
      width, height: 250, padding: [18, 26, 0, 0],
      scales: { y: { range: (u, low, high) => {
        const all = found.limit === null ? [low, high] : [Math.min(low, found.limit), Math.max(high, found.limit)];
        const from = all[0] > 0 && all[0] < all[1] * 0.6 ? 0 : all[0];
        return [from, all[1] + (all[1] - from || 1) * 0.12];
      } } },
      axes: [
        { stroke: colour("--faint"), font, grid: { show: false }, ticks: { stroke: colour("--line") }, incrs: CLOCK, space: 80,
          values: (u, ticks, axis, space, step) => ticks.map((one) => clock(one, step < 60)), size: 30, label: "UTC", labelFont: font, labelSize: 16, labelGap: 0 },
        { stroke: colour("--faint"), font, grid: { stroke: colour("--line") }, ticks: { show: false }, size: 76, incrs: steps(found.unit),
          values: (u, ticks) => ticks.map(show) },
      ],
      series: [
        { label: "at", value: (u, at) => at === null ? "now" : clock(at, true) + " UTC" },
        { label: found.metric, stroke: colour("--link"), width: 2, points: { size: 4 },
          value: (u, value, series, index) => show(index === null ? last : value) },
        ...(found.limit === null ? [] : [{ label: "limit", stroke: colour("--bad"), width: 1, dash: [5, 4],
          points: { show: false }, value: () => show(found.limit) }]),
      ],
      hooks: {
        drawClear: [(u) => {
          const from = Math.max(u.valToPos(found.began, "x", true), u.bbox.left);
          const until = Math.min(u.valToPos(found.ended === null ? found.now : found.ended, "x", true), u.bbox.left + u.bbox.width);
          u.ctx.fillStyle = colour("--shade");
          u.ctx.fillRect(from, u.bbox.top, Math.max(2, until - from), u.bbox.height);
          write(u, "firing", from + 2, u.bbox.top - 5 * devicePixelRatio, colour("--bad"));
        }],
        draw: [(u) => {
          if (found.limit === null) return;
          const y = u.valToPos(found.limit, "y", true) - 5 * devicePixelRatio;
          write(u, "limit " + show(found.limit), u.bbox.left + 4, y, colour("--bad"));
        }],
      },
    };
    const data = [found.times, found.values, ...(found.limit === null ? [] : [limit])];
    const same = JSON.stringify([found.metric, found.unit, found.limit, found.began, found.ended]);
    if (plot && plot.root.isConnected && plot.of === same && found.ended !== null) return;
    const label = figure.querySelector("svg")?.getAttribute("aria-label");
    if (plot) plot.destroy();
    figure.replaceChildren();
    figure.setAttribute("data-drawn", "");
    figure.setAttribute("role", "img");
    if (label) figure.setAttribute("aria-label", label);
    plot = new uPlot(options, data, figure);
    plot.of = same;
  };
  const inside = (figure) => {
    const style = getComputedStyle(figure);
    return Math.max(240, figure.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
  };
  const again = () => { if (plot) { plot.destroy(); plot = null; } draw(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  addEventListener("resize", () => {
    const figure = $("#chart");
    if (plot && figure) plot.setSize({ width: inside(figure), height: 250 });
  });

  const settled = () => {
    asOf = new Date();
    prefill();
    countOn();
    draw();
  };
  document.addEventListener("htmx:afterSettle", settled);
  document.addEventListener("htmx:afterSettle", say);
  document.addEventListener("htmx:afterSettle", () => {
    const title = document.title.replace(/^\(\d+\) firing|^Nothing to look at/, () => {
      const look = Number($("#live").dataset.look);
      return look ? `(${look}) firing` : "Nothing to look at";
    });
    if (title !== document.title) document.title = title;
  });
  setInterval(() => { countOn(); listen(); }, 1000);
  settled();
})();
