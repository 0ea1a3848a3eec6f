// The samples of one case, chosen by the reader. They are read out of the run files that the page carries as downloads,
// when they are first asked for. What comes from runs is put into the page as text only.
(function () {
  "use strict";
  const figure = document.querySelector("figure.samples");
  if (!figure || !window.vegaEmbed || !("DecompressionStream" in window)) return;
  const { options, unpack } = window.hwbench;  // of page.js
  const unpacked = async (text) => JSON.parse(await new Response(await unpack(text)).text());
  const [bench, chosen] = [figure.querySelector(".bench"), figure.querySelector(".case")];
  const [place, said] = [figure.querySelector(".sampled"), figure.querySelector(".range")];
  const files = Array.from(document.querySelectorAll("script[data-type='application/json'][data-name]"));
  const runs = new Map();
  const run = (number) => {
    if (!runs.has(number)) runs.set(number, unpacked(files[number].textContent));
    return runs.get(number);
  };
  const option = (text, value) => Object.assign(document.createElement("option"), { textContent: text, value });
  // As `record.estimate.quantile`: between the two nearest samples.
  const quantile = (sorted, share) => {
    const at = share * (sorted.length - 1);
    const low = Math.floor(at);
    return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
  };
  let turn = 0;
  const redraw = async (spec, one) => {
    const mine = ++turn;
    const [label, number, record, k, higher, unit] = one;
    try {
      const samples = (await run(number)).records[record].samples;
      const values = samples.map((sample) => (higher ? k / sample : k * sample)).sort((a, b) => a - b);
      const shown = (value) => Number(value.toPrecision(4)) + " " + unit;
      const marks = values.map((value, i) => ({ x: value, y: (i + 1) / values.length, shown: shown(value) }));
      // Percentiles are of the time: of a rate, p99 is at the slow end too.
      const found = [["p50", 0.5], ["p90", 0.9], ["p99", 0.99]]
        .filter(([, share]) => share === 0.5 || values.length * (1 - share) >= 1 - 1e-9)
        .map(([name, share]) => [name, quantile(values, higher ? 1 - share : share)]);
      const filled = JSON.parse(JSON.stringify(spec));
      filled.datasets = { marks, quantiles: found.map(([name, x], i) => ({ x, label: name, at: 14 * i })) };
      filled.title = { text: "share of the samples up to a value in " + unit };
      await window.vegaEmbed(place, filled, options);
      if (mine !== turn) return;
      said.textContent = values.length + " samples: " + found.map(([name, x]) => name + " " + shown(x)).join(", ") +
        ", fastest " + shown(values[higher ? values.length - 1 : 0]) + ", slowest " + shown(values[higher ? 0 : values.length - 1]);
      place.setAttribute("aria-label", label + ": " + said.textContent);
      place.dataset.state = "drawn";
      place.spec = filled;
    } catch (error) {
      place.textContent = "These samples could not be drawn; the JSON download has them.";
      place.dataset.state = "failed";
      console.error(error);
    }
  };
  const start = async () => {
    const { spec, benches } = await unpacked(figure.querySelector(".tracked").textContent);
    benches.forEach(([name], i) => bench.append(option(name, i)));
    const list = () => {
      chosen.replaceChildren(option("choose a case", ""), ...benches[bench.value][1].map((one, i) => option(one[0], i)));
    };
    list();
    bench.addEventListener("change", list);
    chosen.addEventListener("change", () => {
      if (chosen.value !== "") redraw(spec, benches[bench.value][1][chosen.value]);
    });
    figure.querySelector(".choices").hidden = false;
    figure.dataset.state = "ready";
  };
  start();
})();
