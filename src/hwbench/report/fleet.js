// The page of a fleet: the map of bins, one bin's machines, one machine, distributions and drift. Touches nothing outside
// the page, and puts what comes from runs into it as text only.
(async function () {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const byId = (id) => document.getElementById(id);
  const make = (tag, text, into, more) => {
    const one = document.createElement(tag);
    if (text !== undefined && text !== null) one.textContent = text;
    Object.entries(more || {}).forEach(([name, value]) => one.setAttribute(name, value));
    if (into) into.appendChild(one);
    return one;
  };
  const draw = (tag, into, more, text) => {
    const one = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(more || {}).forEach(([name, value]) => one.setAttribute(name, value));
    if (text !== undefined) one.textContent = text;
    into.appendChild(one);
    return one;
  };
  const kept = (name) => { try { return localStorage.getItem(name); } catch (error) { return null; } };
  const keep = (name, value) => { try { localStorage.setItem(name, value); } catch (error) { /* for this visit */ } };

  // Theme: as the system has it, or as chosen.
  const button = byId("theme");
  const choices = ["auto", "light", "dark"];
  let choice = choices.includes(kept("hwbench-theme")) ? kept("hwbench-theme") : "auto";
  const colour = () => {
    if (choice === "auto") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", choice);
    button.querySelector("span").textContent = choice;
  };
  colour();
  button.hidden = false;

  const unpacked = async (id) => {
    const bytes = Uint8Array.from(atob(byId(id).textContent), (char) => char.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
  };
  const groups = JSON.parse(await (await unpacked("data")).text());
  const cells = await Promise.all(groups.map(async (one, i) => new Int8Array(await (await unpacked("cells-" + i)).arrayBuffer())));
  const STEP = 4, NONE = -128, MOST = 240, SHOWN = 120;
  document.querySelectorAll(".choices").forEach((one) => { one.hidden = false; });

  // A value in a unit that can be read.
  const PREFIX = [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"], [1e-12, "p"]];
  const shown = (value, unit) => {
    if (!unit || unit === "1") return Number(value.toPrecision(3)) + (unit === "1" ? "×" : "");
    const [scale, prefix] = PREFIX.find(([size]) => Math.abs(value) >= size) || [1, ""];
    return Number((value / scale).toPrecision(3)) + " " + prefix + unit;
  };
  const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(1);
  const times = (value) => value.toFixed(3) + "×";

  let group = groups[0], table = cells[0], order = [], bins = [], bin = 0, machine = -1;
  const at = (i, q) => table[i * group.quantities.length + q];
  const palette = () => {
    const style = getComputedStyle(root);
    return Object.fromEntries(["card", "line", "grid", "ink", "ink-2", "accent", "c1", "c2"].map((name) => [name, style.getPropertyValue("--" + name).trim()]));
  };
  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const mix = (one, other, share) => "rgb(" + rgb(one).map((part, i) => Math.round(part + (rgb(other)[i] - part) * share)).join(",") + ")";
  let shades = [];
  const paint = () => {
    const colours = palette();
    shades = Array.from({ length: 256 }, (_, i) => {
      const z = (i - 128) / STEP;
      if (i === 0) return colours.line;
      const share = Math.min(1, Math.max(0, (Math.abs(z) - 2) / 7));
      return mix(colours.grid, z < 0 ? colours.c2 : colours.c1, z < 0 ? share : share * 0.8);
    });
    const legend = byId("scale");
    legend.textContent = "";
    const item = make("li", null, legend);
    make("span", "−10", item);
    const scale = make("span", null, item, { class: "scale" });
    for (const z of [-10, -8, -6, -4, -2, 0, 2, 4, 6, 8, 10]) make("i", null, scale, { style: "background:" + shades[z * STEP + 128] });
    make("span", "+10 deviations", item);
    const none = make("li", null, legend);
    make("i", null, none, { style: "background:" + shades[0] });
    make("span", "not measured", none);
  };
  const sharp = (canvas, width, height) => {
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = height + "px";
    canvas.style.width = width + "px";
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    return pen;
  };

  // The overview: bins of the order, each the worst of its machines.
  const overview = byId("overview");
  let labels = 0, edge = 0, wide = 10, high = 2;
  const arrange = () => {
    const rank = (i) => (group.state[i] ? 1 - group.state[i] : 1);
    order = group.machines.map((_, i) => i);
    if (byId("order").value === "odd") order.sort((a, b) => rank(a) - rank(b) || group.score[b] - group.score[a] || a - b);
    const size = Math.max(1, Math.ceil(order.length / MOST));
    bins = [];
    for (let i = 0; i < order.length; i += size) bins.push(order.slice(i, i + size));
    bin = Math.min(bin, bins.length - 1);
  };
  const map = () => {
    const number = group.quantities.length;
    const room = overview.parentElement.clientWidth;
    // Names stand aslant and lean over the last column, or upright where there is little room: then the map scrolls.
    const upright = room <= 700;
    labels = 118;
    edge = upright ? 0 : 58;
    wide = Math.max(upright && number <= 80 ? 10 : 3, Math.min(44, (room - 2 - edge) / number));
    const every = Math.ceil((upright ? 9 : 11) / wide);
    high = Math.max(2, Math.min(14, Math.floor(480 / bins.length)));
    const pen = sharp(overview, wide * number + edge, labels + high * bins.length);
    const colours = palette();
    pen.fillStyle = colours["ink-2"];
    pen.font = (upright ? 10 : 11) + "px system-ui, sans-serif";
    group.quantities.forEach((name, q) => {
      if (q % every) return;
      pen.save();
      pen.translate((q + 0.5) * wide + 4, labels - 6);
      pen.rotate(upright ? -Math.PI / 2 : -Math.PI / 3);
      pen.fillText(name.length > 20 ? name.slice(0, 19) + "…" : name, 0, 0);
      pen.restore();
    });
    bins.forEach((members, row) => {
      for (let q = 0; q < number; q++) {
        let worst = 127, any = false;
        for (const i of members) {
          const z = at(i, q);
          if (z !== NONE) { any = true; if (z < worst) worst = z; }
        }
        // The worst of many is far from the centre in any bin: what is usual of a bin is taken off.
        const value = any ? Math.min(127, worst + (members.length > 1 ? group.usual * STEP : 0)) : NONE;
        pen.fillStyle = shades[(any ? Math.max(-127, Math.min(members.length > 1 ? 0 : 127, value)) : NONE) + 128];
        pen.fillRect(q * wide, labels + row * high, wide + 0.3, high + 0.3);
      }
    });
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 1.5;
    pen.strokeRect(0.75, labels + bin * high, wide * number - 1.5, Math.max(high, 3));
  };

  // One bin: a strip for each machine.
  const strips = () => {
    const place = byId("bin");
    place.textContent = "";
    const rank = (i) => (group.state[i] || 3);
    const members = (bins[bin] || []).slice().sort((a, b) => rank(a) - rank(b) || group.score[b] - group.score[a] || a - b);
    byId("bin-title").textContent = members.length === 1 ? "One machine" : members.length + " machines of the bin";
    for (const i of members.slice(0, SHOWN)) {
      const state = ["", "odd", "doubtful"][group.state[i]];
      const line = make("div", null, place, { class: "line " + state });
      if (i === machine) line.setAttribute("aria-current", "true");
      const name = make("button", group.machines[i] + (state ? " (" + state + ")" : ""), line, { type: "button", title: group.machines[i] });
      name.addEventListener("click", () => choose(i));
      const strip = make("canvas", null, line, { "aria-hidden": "true" });
      const width = strip.clientWidth || 280, number = group.quantities.length;
      const pen = sharp(strip, width, 15);
      strip.style.width = "100%";
      for (let q = 0; q < number; q++) {
        pen.fillStyle = shades[at(i, q) + 128];
        pen.fillRect((q * width) / number, 0, width / number + 0.3, 15);
      }
      const point = (event) => {
        const box = strip.getBoundingClientRect();
        const q = Math.floor(((event.clientX - box.left) / box.width) * number);
        tell(i, Math.max(0, Math.min(number - 1, q)));
      };
      strip.addEventListener("mousemove", point);
      strip.addEventListener("click", (event) => { choose(i); point(event); });
    }
    if (members.length > SHOWN) make("p", "and " + (members.length - SHOWN) + " more", place, { class: "about" });
  };
  // A figure of a machine: its deviation, its ratio, and whether it is beyond what a byte holds. The accused have theirs exactly.
  const figure = (i, q) => {
    const z = at(i, q);
    if (z === NONE) return null;
    const exact = (group.exact[i] || [])[q];
    if (exact) return { z: exact[0], ratio: exact[1], beyond: "" };
    return { z: z / STEP, ratio: Math.exp(group.better[q] * (z / STEP) * group.spread[q]), beyond: Math.abs(z) === 127 ? "beyond " : "" };
  };
  const against = () => (group.alone ? "of its earlier runs" : "of the centre");
  // A machine that is held against its own earlier runs has a centre of its own: the group's would give a wrong value.
  const valued = (one, q) => (group.alone ? "" : one.beyond + shown(group.centre[q] * one.ratio, group.units[q]));
  const said = (i, q) => {
    const one = figure(i, q);
    if (!one) return group.quantities[q] + ": not measured";
    const value = valued(one, q);
    return group.quantities[q] + ": " + one.beyond + signed(one.z) + " deviations, " + one.beyond + times(one.ratio) + " " + against() + (value ? " (" + value + ")" : "");
  };
  const tell = (i, q) => { byId("pointed").textContent = group.machines[i] + " · " + said(i, q); };

  // One machine: its figures, the slowest first.
  const details = () => {
    const place = byId("one");
    place.textContent = "";
    if (machine < 0) { make("p", "Choose a machine of the bin.", place, { class: "about" }); return; }
    byId("one-title").textContent = group.machines[machine];
    const told = group.told[machine];
    if (told) make("p", told, place);
    const rows = group.quantities.map((_, q) => [q, figure(machine, q)]).filter((row) => row[1]).sort((a, b) => a[1].z - b[1].z);
    const table = make("table", null, place), head = make("tr", null, make("thead", null, table)), body = make("tbody", null, table);
    const heads = ["quantity", "deviations", "ratio", ...(group.alone ? [] : ["value"])];
    make("p", "Ratios are to " + (group.alone ? "the middle of its earlier runs." : "the centre of its group."), place, { class: "about" });
    heads.forEach((name, k) => make("th", name, head, k ? { class: "num" } : {}));
    for (const [q, one] of rows.slice(0, 12)) {
      const row = make("tr", null, body);
      make("td", group.quantities[q], row);
      make("td", one.beyond + signed(one.z), row, { class: "num" });
      make("td", one.beyond + times(one.ratio), row, { class: "num" });
      if (!group.alone) make("td", valued(one, q), row, { class: "num" });
    }
    if (rows.length > 12) make("p", rows.length - 12 + " more quantities lie above these.", place, { class: "about" });
  };
  const choose = (i) => { machine = i; strips(); details(); histogram(); };
  const turn = (to) => { bin = Math.max(0, Math.min(bins.length - 1, to)); map(); strips(); };
  const goTo = (i) => {
    machine = i;
    bin = Math.max(0, bins.findIndex((members) => members.includes(i)));
    map();
    choose(i);
  };
  const cell = (event) => {
    const box = overview.getBoundingClientRect();
    const scale = box.width / (wide * group.quantities.length + edge);
    return [Math.floor(((event.clientY - box.top) / scale - labels) / high), Math.floor((event.clientX - box.left) / scale / wide)];
  };
  overview.addEventListener("click", (event) => { const [row] = cell(event); if (row >= 0) turn(row); });
  overview.addEventListener("mousemove", (event) => {
    const [row, q] = cell(event);
    const members = bins[row];
    if (!members || q < 0 || q >= group.quantities.length) return;
    const there = members.filter((i) => at(i, q) !== NONE).sort((a, b) => at(a, q) - at(b, q));
    if (there.length) tell(there[0], q);
    else byId("pointed").textContent = group.quantities[q] + ": not measured";
  });
  overview.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[event.key];
    if (!step) return;
    event.preventDefault();
    turn(bin + step);
  });

  // Distributions and drift of one quantity.
  const quantity = byId("quantity");
  const width = (place) => Math.max(260, Math.min(920, place.clientWidth || 460)); // a unit is a pixel: letters keep their size
  const classes = () => {
    const place = byId("classes"), WIDTH = width(place);
    place.textContent = "";
    const name = quantity.value;
    const here = groups.map((one) => [one, one.quantities.indexOf(name)]).filter(([one, q]) => q >= 0 && one.quantiles[q]).slice(0, 24);
    if (!here.length) return;
    const low = Math.min(...here.map(([one, q]) => one.quantiles[q][0])), top = Math.max(...here.map(([one, q]) => one.quantiles[q][6]));
    const x = (value) => 8 + ((Math.log(value) - Math.log(low)) / (Math.log(top) - Math.log(low) || 1)) * (WIDTH - 16);
    const svg = draw("svg", place, { viewBox: "0 0 " + WIDTH + " " + (here.length * 44 + 20), role: "img", "aria-label": name + " by machine class" });
    here.forEach(([one, q], row) => {
      const y = row * 44 + 28, [a, b, c, d, e, f, g] = one.quantiles[q];
      draw("text", svg, { x: 8, y: y - 12 }, one.machines.length + " × " + (one.model || "unknown CPU").slice(0, WIDTH > 420 ? 44 : 20) + ", median " + shown(d, one.units[q]));
      draw("line", svg, { x1: x(a), x2: x(g), y1: y, y2: y, stroke: "var(--line)", "stroke-width": 2 });
      draw("line", svg, { x1: x(b), x2: x(f), y1: y, y2: y, stroke: "var(--c1)", "stroke-width": 4, opacity: 0.5 });
      draw("rect", svg, { x: x(c), y: y - 6, width: Math.max(1, x(e) - x(c)), height: 12, fill: "var(--c1)", rx: 2 });
      draw("line", svg, { x1: x(d), x2: x(d), y1: y - 8, y2: y + 8, stroke: "var(--ink)", "stroke-width": 2 });
    });
    const unit = here[0][0].units[here[0][1]];
    draw("text", svg, { x: 8, y: here.length * 44 + 16 }, shown(low, unit));
    draw("text", svg, { x: WIDTH - 8, y: here.length * 44 + 16, "text-anchor": "end" }, shown(top, unit));
  };
  const histogram = () => {
    const place = byId("histogram"), WIDTH = width(place);
    place.textContent = "";
    const q = group.quantities.indexOf(quantity.value);
    if (q < 0) { make("p", "This class has no such figure.", place, { class: "about" }); return; }
    const counts = new Array(61).fill(0);
    for (let i = 0; i < group.machines.length; i++) {
      const z = at(i, q);
      if (z !== NONE) counts[Math.max(0, Math.min(60, Math.round(z / 2) + 30))] += 1;
    }
    const most = Math.max(1, ...counts), step = WIDTH / 61, height = 130;
    const svg = draw("svg", place, { viewBox: "0 0 " + WIDTH + " " + (height + 36), role: "img", "aria-label": "How many machines lie where, on a logarithmic scale of counts" });
    counts.forEach((count, k) => {
      const tall = count ? (Math.log(count + 1) / Math.log(most + 1)) * height : 0;
      draw("rect", svg, { x: k * step + 0.5, y: height - tall + 4, width: step - 1, height: tall, fill: k < 16 ? "var(--c2)" : "var(--c1)" });
    });
    for (const z of [-15, -10, -5, 0, 5, 10, 15]) {
      draw("text", svg, { x: Math.max(12, Math.min(WIDTH - 12, (z * 2 + 30.5) * step)), y: height + 18, "text-anchor": "middle" }, String(z).replace("-", "−"));
    }
    draw("text", svg, { x: 0, y: height + 33 }, "robust deviations; logarithms of counts, at most " + most);
    if (machine >= 0 && at(machine, q) !== NONE) {
      const k = (Math.max(-60, Math.min(60, at(machine, q))) / 2 + 30.5) * step;
      draw("line", svg, { x1: k, x2: k, y1: 0, y2: height + 4, stroke: "var(--ink)", "stroke-width": 2, "stroke-dasharray": "4 3" });
    }
  };
  const drift = () => {
    const place = byId("drift");
    place.textContent = "";
    const q = group.quantities.indexOf(quantity.value);
    const days = group.days;
    if (q < 0 || days.length < 2) { make("p", "Runs of one day show no drift.", place, { class: "about" }); return; }
    const [low, middle, high] = group.drift[q];
    const points = days.map((day, k) => [day, low[k], middle[k], high[k]]).filter((one) => one[2] !== null);
    if (points.length < 2) { make("p", "Runs of one day show no drift.", place, { class: "about" }); return; }
    const reach = Math.max(0.002, ...points.flatMap((one) => [Math.abs(one[1]), Math.abs(one[3])]));
    const wide = width(place), height = 190, first = days[0], last = days[days.length - 1];
    const x = (day) => 58 + ((day - first) / (last - first || 1)) * (wide - 74), y = (value) => 12 + (height - 24) * (0.5 - value / (2 * reach));
    const svg = draw("svg", place, { viewBox: "0 0 " + wide + " " + (height + 22), role: "img", "aria-label": quantity.value + " over days" });
    for (const value of [-reach, 0, reach]) {
      draw("line", svg, { x1: 58, x2: wide - 16, y1: y(value), y2: y(value), stroke: "var(--grid)" });
      draw("text", svg, { x: 52, y: y(value) + 4, "text-anchor": "end" }, (value ? signed(value * 100) : "0") + "%");
    }
    draw("path", svg, { d: "M" + points.map((one) => x(one[0]) + " " + y(one[1])).join("L") + "L" + points.slice().reverse().map((one) => x(one[0]) + " " + y(one[3])).join("L") + "Z", fill: "var(--c1)", opacity: 0.2 });
    draw("path", svg, { d: "M" + points.map((one) => x(one[0]) + " " + y(one[2])).join("L"), fill: "none", stroke: "var(--c1)", "stroke-width": 2 });
    for (const one of points) draw("circle", svg, { cx: x(one[0]), cy: y(one[2]), r: 3, fill: "var(--c1)" });
    const date = (day) => new Date(day * 86400000).toISOString().slice(0, 10);
    draw("text", svg, { x: 58, y: height + 16 }, date(first));
    draw("text", svg, { x: wide - 16, y: height + 16, "text-anchor": "end" }, date(last) + " (up: better)");
  };
  const figures = () => { classes(); histogram(); drift(); };

  const all = () => {
    const before = quantity.value || group.first;
    quantity.textContent = "";
    for (const name of group.quantities) make("option", name, quantity, { value: name });
    quantity.value = group.quantities.includes(before) ? before : group.quantities[0];
    arrange();
    map();
    strips();
    details();
    figures();
  };
  const take = (i) => { group = groups[i]; table = cells[i]; bin = 0; machine = -1; byId("group").value = String(i); };
  byId("group").addEventListener("change", (event) => { take(Number(event.target.value)); all(); });
  byId("order").addEventListener("change", () => { bin = 0; arrange(); if (machine >= 0) goTo(machine); else { map(); strips(); } });
  quantity.addEventListener("change", figures);
  const seek = (name, exact) => {
    if (!name) { byId("found").textContent = ""; return; }
    const fits = (one) => (exact ? one === name : one.toLowerCase().includes(name.toLowerCase()));
    for (let g = 0; g < groups.length; g++) {
      const i = groups[g].machines.findIndex(fits);
      if (i < 0) continue;
      if (groups[g] !== group) { take(g); all(); }
      goTo(i);
      byId("found").textContent = groups[g].machines[i];
      return;
    }
    byId("found").textContent = "no machine of that name";
  };
  byId("machine").addEventListener("input", (event) => seek(event.target.value.trim(), false));
  const follow = () => {
    if (!location.hash.startsWith("#machine=")) return;
    let name = "";
    try { name = decodeURIComponent(location.hash.slice(9)); } catch (error) { return; }
    seek(name, true);
    byId("map").scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", follow);
  const again = () => { paint(); map(); strips(); figures(); };
  button.addEventListener("click", () => {
    choice = choices[(choices.indexOf(choice) + 1) % choices.length];
    colour();
    keep("hwbench-theme", choice);
    again();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(again, 150); });
  paint();
  all();
  const worst = group.state.indexOf(1);
  if (worst >= 0) goTo(group.machines.reduce((best, _, i) => (group.state[i] === 1 && group.score[i] > group.score[best] ? i : best), worst));
  follow();
  root.dataset.ready = "true";
})();
