// The frame of the page: one topic at a time, links, keys, search and theme. Runs before the charting library, and puts
// what comes from runs into the page as text only.
(function () {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const find = (selector, inside) => Array.from((inside || document).querySelectorAll(selector));
  const byId = (id) => document.getElementById(id);
  const say = (text) => { document.querySelector(".status-line").textContent = text; };
  const kept = (name) => { try { return localStorage.getItem(name); } catch (error) { return null; } };
  const keep = (name, value) => { try { localStorage.setItem(name, value); } catch (error) { /* it holds for this visit */ } };

  // Theme: as the system has it, or as chosen. Charts name their colours as CSS variables and simply follow.
  const button = byId("theme");
  const choices = ["auto", "light", "dark"];
  const colour = (choice) => {
    if (choice === "auto") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", choice);
    button.querySelector("span").textContent = choice;
  };
  let choice = choices.includes(kept("hwbench-theme")) ? kept("hwbench-theme") : "auto";
  colour(choice);
  button.addEventListener("click", () => {
    choice = choices[(choices.indexOf(choice) + 1) % choices.length];
    colour(choice);
    keep("hwbench-theme", choice);
  });

  // Topics: the address chooses. A link to anything shows its topic; back and forward work by themselves.
  const topics = find(".topic");
  const rail = document.querySelector(".rail");
  const menu = byId("menu");
  const links = new Map(find("nav a").map((link) => [link.getAttribute("href").slice(1), link]));
  const search = byId("search");
  const base = document.title;
  const open = (wide) => { rail.classList.toggle("open", wide); menu.setAttribute("aria-expanded", String(wide)); };
  let shown = null;
  const show = (topic) => {
    if (topic === shown) return;
    shown = topic;
    topics.forEach((one) => one.classList.toggle("on", one === topic));
    links.forEach((link) => { link.removeAttribute("aria-current"); link.parentElement.classList.remove("on"); });
    const link = links.get(topic.id);
    link.setAttribute("aria-current", "page");
    link.parentElement.classList.add("on");
    menu.textContent = "☰ " + link.firstChild.textContent;
    document.title = topic === topics[0] ? base : link.firstChild.textContent + " · " + base;
    document.dispatchEvent(new CustomEvent("shown"));
  };
  const target = () => {
    let name = location.hash.slice(1);
    if (name.startsWith("history=")) return document.querySelector("figure.tracks"); // tracks.js knows the case
    try { name = decodeURIComponent(name); } catch (error) { /* no anchor of this page */ }
    return byId(name);
  };
  const follow = (first) => {
    const found = target();
    const topic = found && found.closest(".topic");
    if (!topic) {
      if (!shown || (found === null && !location.hash)) show(topics[0]);
      return;
    }
    if (search.value) { search.value = ""; filter(); }
    show(topic);
    open(false);
    for (let one = found.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
    if (found === topic) scrollTo(0, 0); else found.scrollIntoView({ block: "start" });
    if (first !== true) topic.querySelector("h1[tabindex], h2").focus({ preventScroll: true });
  };
  addEventListener("hashchange", follow);
  const go = (topic) => { if (topic) location.hash = topic.id; };

  // Search: what shows a bench with all of these words in its name or heading stays, of every topic; so do its records.
  const hits = byId("hits");
  const wanted = find("[data-benches]").map((place) => {
    const head = place.querySelector("h4, summary");
    return [place, (place.dataset.benches + " " + (head ? head.textContent : "")).toLowerCase()];
  });
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    root.classList.toggle("searching", words.length > 0);
    find(".hit").forEach((one) => one.classList.remove("hit"));
    const records = byId("filter");
    if (records) {
      records.value = search.value;
      records.dispatchEvent(new Event("input"));
    }
    if (!words.length) { hits.textContent = ""; return; }
    let count = 0;
    for (const [place, text] of wanted) {
      if (!words.every((word) => text.includes(word))) continue;
      count += place.matches("figure");
      for (let one = place; one && one.tagName !== "MAIN"; one = one.parentElement) one.classList.add("hit");
    }
    const rows = find("table.live tbody tr").filter((row) => !row.hidden).length;
    if (rows) for (const one of find("#records .blocks > *")) {
      for (let up = one; up.tagName !== "MAIN"; up = up.parentElement) up.classList.add("hit");
    }
    hits.textContent = count + (count === 1 ? " chart, " : " charts, ") + rows + (rows === 1 ? " record" : " records");
    document.dispatchEvent(new CustomEvent("shown"));
  };
  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    search.value = "";
    filter();
    search.blur();
  });
  find("[data-filter]").forEach((link) => link.addEventListener("click", () => {
    const records = byId("filter");
    records.value = link.dataset.filter;
    records.dispatchEvent(new Event("input"));
  }));

  // A heading's link goes to the clipboard too.
  find(".anchor").forEach((link) => link.addEventListener("click", () => {
    if (!navigator.clipboard) return;
    const address = location.href.split("#")[0] + link.getAttribute("href");
    navigator.clipboard.writeText(address).then(() => {
      link.dataset.copied = "";
      say("Link copied");
      setTimeout(() => delete link.dataset.copied, 1500);
    }, () => { /* the address bar has it */ });
  }));

  // Keys: a digit for a topic, brackets for the next to it, a slash to search. They can be switched off.
  const keys = byId("keys");
  keys.checked = kept("hwbench-keys") !== "off";
  keys.addEventListener("change", () => keep("hwbench-keys", keys.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (!keys.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
    const at = topics.indexOf(shown);
    if (event.key === "/") { open(true); search.focus(); search.select(); }
    else if (event.key === "[") go(topics[at - 1]);
    else if (event.key === "]") go(topics[at + 1]);
    else if (/^[0-9]$/.test(event.key)) go(topics[(Number(event.key) + 9) % 10]);
    else return;
    event.preventDefault();
  });
  menu.addEventListener("click", () => open(!rail.classList.contains("open")));
  for (const one of [button, menu, document.querySelector(".search"), document.querySelector(".keys")]) one.hidden = false;
  follow(true);
})();
