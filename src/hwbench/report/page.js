// Charts, table and downloads of the page. Runs after the charting library, touches nothing outside the page, and puts
// what comes from runs into it as text only.
(function () {
  "use strict";
  const root = document.documentElement;
  const find = (selector, inside) => Array.from((inside || document).querySelectorAll(selector));

  // Charts, one after the other, those of the topic in view first, so that the page answers meanwhile. The interpreter
  // (ast) evaluates Vega's expressions without eval, which the page's policy forbids.
  const config = JSON.parse(document.getElementById("config").textContent);
  const escape = (value) => String(value).replace(/[&<>"']/g, (char) => "&#" + char.charCodeAt(0) + ";");
  const options = {
    mode: "vega-lite", renderer: "svg", actions: false, ast: true, config, defaultStyle: false,
    tooltip: { disableDefaultStyle: true, sanitize: escape, theme: "custom" },
    loader: { load: () => Promise.reject(new Error("nothing is loaded")) },
  };
  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    return new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  };

  Object.assign(window.hwbench, { options, unpack });  // for samples.js and tracks.js

  const missing = (place, alt, error) => {
    place.textContent = alt + ": this chart could not be drawn; its table holds the figures.";
    place.dataset.state = "failed";
    console.error(place.id, error);
  };
  const draw = async () => {
    let specs = {};
    try {
      specs = JSON.parse(await new Response(await unpack(document.getElementById("charts").textContent)).text());
    } catch (error) {
      find("[id^=chart-]").forEach((place) => missing(place, place.textContent, error));
    }
    const queue = Object.entries(specs).map(([id, spec]) => [document.getElementById(id), spec]);
    while (queue.length) {
      // One that a search hides has no width to be drawn at: it waits for its turn to be shown.
      const wide = (one) => one[0].clientWidth > 0;
      const next = queue.find((one) => wide(one) && one[0].closest(".topic").classList.contains("on")) || queue.find(wide);
      if (!next) {
        await new Promise((go) => document.addEventListener("shown", go, { once: true }));
        continue;
      }
      queue.splice(queue.indexOf(next), 1);
      const [place, spec] = next;
      if (place.classList.contains("chosen")) {
        await window.hwbench.tracks(place, spec);
        continue;
      }
      const alt = place.textContent;
      if (place.clientWidth < 380 && spec.height >= 250) spec.height *= 0.75; // a phone's screen is low, too
      try {
        await window.vegaEmbed(place, spec, options);
        place.style.minHeight = "";
        place.dataset.state = "drawn";
        place.spec = spec;
      } catch (error) {
        missing(place, alt, error);
      }
      await new Promise((go) => setTimeout(go, 0));
    }
    root.dataset.charts = "done";
  };
  if (window.vegaEmbed) draw(); else root.dataset.charts = "done";

  // The table of all records: every word typed must occur in a row; a heading sorts, numbers by size.
  const filter = document.getElementById("filter");
  const table = document.querySelector("table.live");
  if (filter && table) {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const found = document.getElementById("found");
    const apply = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
        count += row.hidden ? 0 : 1;
      });
      found.textContent = count + " of " + rows.length;
    };
    filter.addEventListener("input", apply);
    apply();
    const scales = { ps: 1e-12, ns: 1e-9, "µs": 1e-6, ms: 1e-3, s: 1 };
    const size = (text) => {
      const parts = /^(-?[\d.]+(?:e[+-]?\d+)?)%?\s*(ps|ns|µs|ms|s)?(?:\s|$)/.exec(text);
      return parts ? Number(parts[1]) * (scales[parts[2]] || 1) : NaN;
    };
    find("th", table).forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      find("th", table).forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = rows.map((row) => {
        const text = row.cells[column] ? row.cells[column].textContent : "";
        return { row, text, size: size(text) };
      });
      keyed.sort((a, b) => {
        const numbers = !Number.isNaN(a.size) && !Number.isNaN(b.size);
        const order = numbers ? a.size - b.size : Number.isNaN(a.size) - Number.isNaN(b.size) || a.text.localeCompare(b.text);
        return down ? -order : order;
      });
      body.append(...keyed.map((entry) => entry.row));
    }));
  }

  // Frames to step through: one is shown, by buttons, by the arrow keys, Home and End, or one a second.
  find("figure.steps").forEach((figure) => {
    const frames = find(".frames > li", figure);
    const bar = figure.querySelector(".stepper");
    const shown = bar.querySelector("output");
    const play = bar.querySelector("[data-go=play]");
    let at = 0;
    let timer = 0;
    const show = (index) => {
      at = Math.max(0, Math.min(frames.length - 1, index));
      frames.forEach((frame, i) => { frame.hidden = i !== at; });
      shown.textContent = (at + 1) + " of " + frames.length;
      bar.querySelector("[data-go=back]").disabled = bar.querySelector("[data-go=first]").disabled = at === 0;
      bar.querySelector("[data-go=next]").disabled = at === frames.length - 1;
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Play";
      play.setAttribute("aria-pressed", "false");
    };
    const start = () => {
      if (at === frames.length - 1) show(0);
      timer = setInterval(() => { show(at + 1); if (at === frames.length - 1) stop(); }, 1000);
      play.textContent = "Pause";
      play.setAttribute("aria-pressed", "true");
    };
    const go = { first: () => show(0), back: () => show(at - 1), next: () => show(at + 1) };
    bar.addEventListener("click", (event) => {
      const what = event.target.dataset.go;
      if (!what) return;
      const playing = timer !== 0;
      stop();
      if (what === "play") { if (!playing) start(); } else go[what]();
    });
    const keys = { ArrowLeft: () => show(at - 1), ArrowRight: () => show(at + 1), Home: () => show(0), End: () => show(frames.length - 1) };
    figure.addEventListener("keydown", (event) => {
      if (!keys[event.key] || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      stop();
      keys[event.key]();
    });
    figure.classList.add("live");
    bar.hidden = false;
    show(0);
  });

  // Downloads lie in the page, packed; a browser that cannot unpack them saves them packed.
  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  // A chart as a picture: drawn anew without the page around it, so with its colours, a title and a legend of its own.
  const picture = (place, spec) => {
    const style = getComputedStyle(root);
    const whole = { ...JSON.parse(JSON.stringify(spec)), config: JSON.parse(JSON.stringify(config)) };
    // Vega-Lite puts the names of a colour scale into expressions: only harmless characters are put back.
    const names = Object.fromEntries(Object.entries(whole.usermeta || {}).map(([key, name]) => [key, name.replace(/[^\w .,:()×·-]/g, "?")]));
    for (const row of Object.values(whole.datasets).flat()) if (row.series in names) row.series = names[row.series];
    for (const layer of whole.layer) {
      const { color, yOffset, y } = layer.encoding;
      for (const one of [color, yOffset]) if (one && one.scale && one.scale.domain) one.scale.domain = one.scale.domain.map((key) => names[key] || key);
      const told = y && y.field === "group" && !yOffset;
      if (color && color.scale && !told && color.scale.domain.length > 1) color.legend = { title: null, orient: "bottom", columns: 4, symbolOpacity: 1 };
    }
    const [figure, panel] = [place.closest("figure"), place.closest(".panel")];
    const heading = (one, name) => { const found = one && one.querySelector(name); return found ? found.textContent : ""; };
    const text = [heading(figure, "h4 bdi"), heading(panel, "h5 bdi")].filter(Boolean).join(": ");
    const subtitle = whole.title ? whole.title.text : "";
    whole.title = { text, subtitle, fontSize: 14, fontWeight: 600, anchor: "start", frame: "bounds", color: "var(--ink)", subtitleColor: "var(--ink-2)", offset: 12 };
    Object.assign(whole, { width: 720, padding: 16, background: "var(--card)" });
    delete whole.usermeta;
    return JSON.parse(JSON.stringify(whole).replace(/var\(--([\w-]+)\)/g, (_, name) => style.getPropertyValue("--" + name).trim()));
  };
  find("[data-save]").forEach((one) => one.addEventListener("click", async () => {
    const place = (one.closest(".panel") || one.closest("figure")).querySelector(".chart");
    if (!place.spec) return; // as it is drawn
    const { config: look, ...spec } = picture(place, place.spec);
    const aside = document.createElement("div");
    try {
      const made = await window.vegaEmbed(aside, spec, { ...options, config: look });
      const kind = one.dataset.save;
      const name = "hwbench-" + place.closest("figure").id + (place.closest(".panels:not(.n1)") ? "-" + place.id : "") + "." + kind;
      if (kind === "svg") save(new Blob([await made.view.toSVG()], { type: "image/svg+xml" }), name);
      else (await made.view.toCanvas(2)).toBlob((blob) => save(blob, name));
      made.finalize();
    } catch (error) { console.error(place.id, error); }
  }));

  find(".download").forEach((one) => one.addEventListener("click", async () => {
    const file = document.getElementById(one.dataset.file);
    if (!("DecompressionStream" in window)) {
      const bytes = Uint8Array.from(atob(file.textContent), (char) => char.charCodeAt(0));
      save(new Blob([bytes], { type: "application/gzip" }), file.dataset.name + ".gz");
      return;
    }
    const plain = await unpack(file.textContent);
    save(new Blob([await new Response(plain).arrayBuffer()], { type: file.dataset.type }), file.dataset.name);
  }));
})();
