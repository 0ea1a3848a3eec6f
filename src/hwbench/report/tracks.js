// A history: one case at a time, its lines over the commits, and the list of all changes. Runs before page.js, which draws
// it, and puts what comes from results into the page as text only.
(function () {
  "use strict";
  window.hwbench = {};
  const find = (selector, inside) => Array.from((inside || document).querySelectorAll(selector));
  const made = (tag, properties, ...inside) => {
    const one = Object.assign(document.createElement(tag), properties);
    one.append(...inside);
    return one;
  };
  const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

  // The data, as report/tracked.py packs them: names as JSON, numbers in planes of bytes.
  const unpacked = async (packed) => {
    const bytes = new Uint8Array(await new Response(await window.hwbench.unpack(packed)).arrayBuffer());
    const length = new DataView(bytes.buffer).getUint32(0, true);
    const all = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
    const count = (bytes.length - 4 - length) / 5;
    all.planes = [0, 1, 2, 3, 4].map((i) => bytes.subarray(4 + length + i * count, 4 + length + (i + 1) * count));
    all.places = all.places.map((gaps) => { let at = -1; return gaps.map((gap) => (at += gap)); });
    let start = 0;
    for (const one of all.cases) for (const series of one.series) {
      series.start = start;
      start += all.places[series.p].length;
    }
    all.benches.forEach(([, numbers], place) => numbers.forEach((number) => { all.cases[number].bench = place; }));
    return all;
  };
  // The points of a series: commit, value and the ends of its interval, null where unknown.
  const points = (all, series) => all.places[series.p].map((commit, i) => {
    const at = series.start + i;
    const [b0, b1, b2, low, high] = all.planes.map((plane) => plane[at]);
    const zigzag = b0 + 256 * b1 + 65536 * b2;
    const whole = zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
    const value = series.q ? whole * series.q : series.m * Math.exp(whole * all.fine);
    const size = series.q ? null : value;
    const reach = (code) => (code === 255 || size === null ? null : code === 0 ? 0 : 1e-6 * 2 ** ((code - 1) / all.ends) * size);
    return { commit, value, below: reach(low), above: reach(high) };
  });

  window.hwbench.tracks = async (place, spec) => {
    const figure = place.closest("figure");
    const alt = place.textContent;
    const fail = (error) => {
      place.textContent = alt + ": this chart could not be drawn; the table below lists the changes.";
      place.dataset.state = "failed";
      if (error) console.error(place.id, error);
    };
    if (!("DecompressionStream" in window)) { fail(); return; }
    let all;
    try { all = await unpacked(figure.querySelector(".tracked").textContent); } catch (error) { fail(error); return; }
    const [bench, chosen, sought] = [".bench", ".case", ".seek"].map((name) => figure.querySelector(name));
    const calm = figure.querySelector(".calm");
    const lines = find("[data-line]", figure);
    const told = (commit) => commit[0] + (commit[1] ? " (" + commit[1] + ")" : "");
    const shown = (value, unit) => Number(value.toPrecision(all.digits)) + (unit ? " " + unit : "");

    // The selectors: those cases whose names have all words that are sought.
    const texts = all.cases.map((one) => one.name.toLowerCase() + " " + one.label.toLowerCase());
    const hits = figure.querySelector(".hits");
    let kept = new Set();
    const list = () => {
      const numbers = all.benches[bench.value][1].filter((number) => kept.has(number));
      chosen.replaceChildren(...numbers.map((number) => made("option", { textContent: all.cases[number].label, value: number })));
    };
    const seek = () => {
      const asked = words(sought.value);
      kept = new Set(texts.flatMap((text, number) => (asked.every((word) => text.includes(word)) ? [number] : [])));
      hits.textContent = asked.length ? kept.size + " of " + texts.length : "";
      if (!kept.size) return;
      bench.replaceChildren(...all.benches.flatMap(([name, numbers], i) => {
        const here = asked.length ? numbers.filter((number) => kept.has(number)).length : numbers.length;
        return here ? [made("option", { textContent: name + (asked.length ? " (" + here + ")" : ""), value: i })] : [];
      }));
    };

    const scaled = (values, higher) => {
      const [low, high] = [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
      if (low > 0 && high / low > 10) return { type: "log", domain: [low / 1.2, high * 1.2], nice: false };
      const pad = Math.max(0.08 * (high - low), 0.01 * Math.max(Math.abs(low), Math.abs(high)), Number.MIN_VALUE);
      return { type: "linear", zero: false, nice: false, domain: [low >= 0 ? Math.max(0, low - pad) : low - pad, high + pad] };
    };
    const marksOf = (one) => {
      const marks = [];
      const steps = [];
      for (const series of one.series) {
        if (lines[series.s] && !lines[series.s].checked) continue;
        const index = calm.checked && series.i !== undefined ? all.indices[series.i] : null;
        const changed = new Map(series.c || []);
        const suspect = new Map(series.d || []);
        points(all, series).forEach(({ commit: k, value, below, above }, order) => {
          if (index && !index[k]) return;
          const factor = index ? (one.higher ? index[k] / 10000 : 10000 / index[k]) : 1;
          const bounded = below !== null && above !== null;
          const [low, high] = bounded ? [(value - below) * factor, (value + above) * factor] : [value * factor, value * factor];
          const [, , subject] = all.commits[k];
          marks.push({
            series: "s" + series.s, x: k, value: value * factor, low, high, order,
            commit: told(all.commits[k]), subject, where: all.lines[series.s],
            shown: shown(value * factor, one.unit), interval: bounded ? shown(low, "") + "–" + shown(high, one.unit) : "",
            change: changed.get(k) || "", suspect: suspect.get(k) || "", fade: suspect.has(k) ? 0.4 : 1,
          });
          if (changed.has(k)) steps.push({ series: "s" + series.s, x: k - 0.5, label: all.commits[k][0] });
        });
      }
      // Names that would lie on each other stand one below the other: a name is as wide as 70 pixels.
      const near = (70 / Math.max(200, place.clientWidth)) * all.commits.length;
      const rows = new Map();
      for (const x of [...new Set(steps.map((step) => step.x))].sort((a, b) => a - b)) {
        const taken = new Set([...rows].filter(([other]) => x - other < near).map(([, row]) => row));
        let row = 0;
        while (taken.has(row)) row++;
        rows.set(x, row);
      }
      steps.forEach((step) => { step.y = 14 * rows.get(step.x); });
      return [marks, steps];
    };
    let turn = 0;
    const redraw = async () => {
      const one = all.cases[chosen.value];
      if (!one) return;
      const mine = ++turn;
      const [marks, steps] = marksOf(one);
      const filled = JSON.parse(JSON.stringify(spec));
      // The axis is of the values: intervals are cut at its ends, and it goes below zero only where values do.
      if (marks.length) {
        const scale = scaled(marks.map((mark) => mark.value));
        marks.forEach((mark) => { mark.low = Math.max(mark.low, scale.domain[0]); mark.high = Math.min(mark.high, scale.domain[1]); });
        for (const { encoding } of filled.layer) if (encoding.y && encoding.y.scale) encoding.y.scale = scale;
      }
      filled.datasets = { ...filled.datasets, marks, steps };
      const direction = one.higher ? "more is better" : "less is better";
      filled.title = { text: (one.unit || "value") + ", " + direction + (calm.checked ? ", without the machine's drift" : "") };
      place.setAttribute("aria-label", one.name + " over the commits");
      try {
        await window.vegaEmbed(place, filled, window.hwbench.options);
        if (mine === turn) { place.style.minHeight = ""; place.dataset.state = "drawn"; place.dataset.shown = one.name; place.spec = filled; }
      } catch (error) { fail(error); }
    };
    const choose = (number) => {
      if (!kept.has(number)) { sought.value = ""; seek(); }
      bench.value = all.cases[number].bench;
      list();
      chosen.value = number;
      return redraw();
    };

    // The address names the case, so that it can be sent to somebody.
    const link = (number) => "#history=" + encodeURIComponent(all.cases[number].name);
    const address = () => { if (chosen.value !== "") history.replaceState(null, "", link(chosen.value)); };
    const named = () => {
      let name = location.hash;
      try { name = decodeURIComponent(name); } catch (error) { /* no case */ }
      return name.startsWith("#history=") ? all.cases.findIndex((one) => one.name === name.slice(9)) : -1;
    };
    const follow = () => { const number = named(); if (number >= 0) { figure.scrollIntoView({ block: "start" }); choose(number); } };
    addEventListener("hashchange", follow);
    bench.addEventListener("change", () => { list(); address(); redraw(); });
    chosen.addEventListener("change", () => { address(); redraw(); });
    sought.addEventListener("input", () => {
      const before = Number(chosen.value);
      seek();
      if (!kept.size) return;
      const number = kept.has(before) ? before : Math.min(...all.benches.find(([, numbers]) => numbers.some((one) => kept.has(one)))[1].filter((one) => kept.has(one)));
      bench.value = all.cases[number].bench;
      list();
      chosen.value = number;
      if (number !== before) { address(); redraw(); }
    });
    calm.addEventListener("change", redraw);
    lines.forEach((line) => line.addEventListener("change", redraw));
    figure.querySelector(".choices").hidden = false;
    figure.querySelector(".switches").hidden = lines.length < 2;
    calm.parentElement.hidden = !all.indices.length;
    const [first, last] = [all.commits[0], all.commits[all.commits.length - 1]];
    figure.querySelector(".range").textContent =
      all.commits.length + " commits, from " + told(first) + " on the left to " + told(last) + " on the right.";
    listChanges(figure, all, link);
    seek();
    await choose(named() >= 0 ? named() : all.first);
    if (named() >= 0) figure.scrollIntoView({ block: "start" });
  };

  // The list of changes: filtered, sorted, and shown in pieces, for there may be thousands.
  const PIECE = 50;
  const listChanges = (figure, all, link) => {
    const table = figure.querySelector("table.changes");
    if (!table) return;
    const bar = figure.querySelector(".filters");
    const [text, machine, state, least, since, until] = [".words", ".where", ".state", ".size", ".since", ".until"].map((name) => bar.querySelector(name));
    const { states } = all;
    const rows = all.changes.map(([number, now, size, ratio, commit, gap, line, before, after, whose, label], at) => {
      const [short, date, subject, hash] = all.commits[commit];
      const doubt = gap ? ", or one of " + gap + (gap === 1 ? " commit" : " commits") + " before it that " + (gap === 1 ? "is" : "are") + " suspect or not measured" : "";
      const row = { at, number, now, size, ratio, commit, name: label || all.cases[number].name, short, date, hash, line, whose, levels: before + " → " + after };
      row.dated = made("span", { className: "date", textContent: date ? " (" + date + ")" : "" });
      row.said = (subject ? ", " + subject : "") + doubt;
      row.text = [row.name, all.cases[number].name, short, hash, subject, all.lines[line], whose, states[now]].join(" ").toLowerCase();
      row.keys = [row.name, size, now, commit, all.lines[line], row.levels, whose];
      return row;
    });
    const used = [...new Set(rows.map((row) => row.line))].sort((a, b) => a - b);
    machine.append(...used.map((line) => made("option", { textContent: all.lines[line], value: line })));
    machine.parentElement.hidden = used.length < 2;
    const shown = bar.querySelector("output");
    const more = figure.querySelector(".rest");
    let sorted = rows;
    let wanted = PIECE;
    const attributed = table.tHead.rows[0].cells.length > 6;
    const cell = (...inside) => made("td", {}, ...inside);
    const drawn = (row) => {
      const go = made("a", { className: "go", href: link(row.number), textContent: row.name });
      const known = /^https?:\/\//.test(all.url) && row.hash;
      const commit = known ? made("a", { href: all.url + encodeURIComponent(row.hash), rel: "noopener noreferrer", textContent: row.short }) : row.short;
      return made("tr", {}, cell(go), cell(row.ratio), cell(states[row.now]), cell(commit, row.dated, row.said), cell(all.lines[row.line]), cell(row.levels), ...(attributed ? [cell(row.whose)] : []));
    };
    const apply = () => {
      const asked = words(text.value);
      const smallest = Math.log(Number(least.value)) - 1e-4;
      const left = sorted.filter((row) =>
        asked.every((word) => row.text.includes(word)) && (machine.value === "" || row.line === Number(machine.value)) &&
        (state.value === "" || row.now === Number(state.value)) && (row.size < 0 || row.size >= smallest) &&
        (!since.value || row.date >= since.value) && (!until.value || row.date <= until.value));
      table.tBodies[0].replaceChildren(...left.slice(0, wanted).map(drawn));
      shown.textContent = left.length + " of " + rows.length + (left.length > wanted ? ", " + wanted + " shown" : "");
      more.hidden = left.length <= wanted;
    };
    for (const one of [text, machine, state, least, since, until]) one.addEventListener("input", () => { wanted = PIECE; apply(); });
    more.addEventListener("click", (event) => {
      if (!event.target.dataset.more) return;
      wanted = event.target.dataset.more === "all" ? Infinity : wanted + 200;
      apply();
    });
    find("th", table).forEach((head, column) => {
      const button = made("button", { type: "button", className: "sort", textContent: head.textContent });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        // Sizes begin with the largest, commits with the newest, all others with the first; the third click restores.
        const down = [1, 3].includes(column);
        const turns = down ? ["descending", "ascending", ""] : ["ascending", "descending", ""];
        const next = turns[(turns.indexOf(head.getAttribute("aria-sort") || "") + 1) % 3];
        find("th", table).forEach((other) => other.removeAttribute("aria-sort"));
        if (next) head.setAttribute("aria-sort", next);
        const sign = next === "descending" ? -1 : 1;
        const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
        sorted = next ? [...rows].sort((a, b) => sign * compare(a.keys[column], b.keys[column]) || a.at - b.at) : rows;
        apply();
      });
    });
    bar.hidden = false;
    apply();
  };
})();
