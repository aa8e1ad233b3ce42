/**
 * What the status page does in the browser: it opens the event stream and shows each event. What comes from outside
 * (names, addresses, texts of errors) becomes text nodes and attributes only, never markup.
 *
 * The script is text here: it ships inside the page. It has no backslashes and no backquotes, so that it reads here as
 * it runs there.
 */
export const script: string = `
"use strict";
(() => {
  // ── Words and numbers ──────────────────────────────────────────────────────────────────────────────────────────────

  const none = "–";
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const plural = (count, one, many) => whole.format(count) + " " + (count === 1 ? one : many);

  function millis(ms) {
    if (ms === undefined || ms === null) return none;
    if (ms < 1) return ms.toFixed(2) + " ms";
    if (ms < 9.95) return ms.toFixed(1) + " ms";
    if (ms < 999.5) return Math.round(ms) + " ms";
    if (ms < 59950) return (ms / 1000).toFixed(1) + " s";
    return duration(ms);
  }

  function duration(ms) {
    if (ms === undefined || ms === null) return none;
    const seconds = Math.floor(ms / 1000);
    const parts = [[Math.floor(seconds / 86400), "d"], [Math.floor(seconds / 3600) % 24, "h"], [Math.floor(seconds / 60) % 60, "min"], [seconds % 60, "s"]];
    const first = parts.findIndex(([count]) => count > 0);
    if (first < 0) return "0 s";
    return parts.slice(first, first + 2).map(([count, unit]) => count + " " + unit).join(" ");
  }

  function rate(perSecond) {
    if (perSecond === undefined) return none;
    return perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : whole.format(perSecond);
  }

  // ── Elements ───────────────────────────────────────────────────────────────────────────────────────────────────────

  const byId = (id) => document.getElementById(id);

  function say(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function mark(node, name, value) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }

  function make(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    node.append(...children);
    return node;
  }

  function draw(tag, attributes, ...children) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    node.append(...children);
    return node;
  }

  const shown = new WeakMap();

  /** Makes the children of a place be one for each item, in order; those that are there already stay what they are. */
  function each(place, items, keyOf, create) {
    if (!shown.has(place)) shown.set(place, new Map());
    const views = shown.get(place);
    const gone = new Set(views.keys());
    items.forEach((item, i) => {
      const key = keyOf(item);
      gone.delete(key);
      if (!views.has(key)) views.set(key, create(item));
      const view = views.get(key);
      if (place.children[i] !== view.root) place.insertBefore(view.root, place.children[i] ?? null);
      view.update(item);
    });
    for (const key of gone) {
      views.get(key).root.remove();
      views.delete(key);
    }
  }

  // ── States: a word, a shape and a colour ───────────────────────────────────────────────────────────────────────────

  const shapes = {
    disc: () => [draw("circle", { cx: 6, cy: 6, r: 5.5, fill: "currentColor" })],
    ring: () => [draw("circle", { cx: 6, cy: 6, r: 4.5, fill: "none", stroke: "currentColor", "stroke-width": 2 })],
    half: () => [
      draw("circle", { cx: 6, cy: 6, r: 4.8, fill: "none", stroke: "currentColor", "stroke-width": 1.6 }),
      draw("path", { d: "M6 1.2 A4.8 4.8 0 0 1 6 10.8 Z", fill: "currentColor" }),
    ],
    triangle: () => [draw("path", { d: "M6 .6 L12 11.4 L0 11.4 Z", fill: "currentColor" })],
    square: () => [draw("rect", { x: 1, y: 1, width: 10, height: 10, rx: 1.5, fill: "currentColor" })],
    arrow: () => [draw("path", { d: "M0 6 H7 M4 2 L8.5 6 L4 10 M11 1 V11", fill: "none", stroke: "currentColor", "stroke-width": 2 })],
  };
  const states = {
    serving: ["Serving", "disc", "good"],
    stopping: ["Stopping", "half", "warn"],
    stopped: ["Stopped", "square", "rest"],
    READY: ["Ready", "disc", "good"],
    CONNECTING: ["Connecting", "half", "busy"],
    IDLE: ["Idle", "ring", "rest"],
    TRANSIENT_FAILURE: ["Failing", "triangle", "bad"],
    SHUTDOWN: ["Closed", "square", "rest"],
    connected: ["Connected", "disc", "good"],
    disconnected: ["Disconnected", "ring", "warn"],
    goaway: ["Told to go (GOAWAY)", "arrow", "warn"],
    backoff: ["Could not connect", "triangle", "bad"],
  };

  function showState(node, state) {
    if (node.dataset.state === state) return;
    const [word, shape, colour] = states[state] ?? [state, "ring", "rest"];
    node.dataset.state = state;
    node.className = "state " + colour;
    node.replaceChildren(draw("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, ...shapes[shape]()), word);
  }

  // ── Methods ────────────────────────────────────────────────────────────────────────────────────────────────────────

  const barWidth = 12, top = 4, base = 34;
  const tickTexts = { 1: "1 ms", 10: "10", 100: "100", 1000: "1 s", 10000: "10 s" };

  function range(buckets, i) {
    if (buckets[i].upToMs === null) return "over " + bound(buckets[i - 1].upToMs);
    return i === 0 ? "up to " + bound(buckets[0].upToMs) : bound(buckets[i - 1].upToMs) + " to " + bound(buckets[i].upToMs);
  }

  function bound(ms) {
    return ms < 1000 ? ms + " ms" : ms / 1000 + " s";
  }

  function histogram(buckets) {
    const bars = buckets.map((_, i) => draw("rect", { class: "bar", x: i * barWidth + 1, y: top, width: barWidth - 2, height: base - top, rx: 1 }, draw("title", {})));
    const ticks = buckets.flatMap(({ upToMs }, i) => {
      if (tickTexts[upToMs] === undefined) return [];
      const x = (i + 1) * barWidth, text = draw("text", { x, y: 48 });
      say(text, tickTexts[upToMs]);
      return [draw("line", { class: "tick", x1: x, x2: x, y1: base, y2: base + 3 }), text];
    });
    const width = buckets.length * barWidth;
    const line = draw("line", { class: "base", x1: 0, x2: width, y1: base + .5, y2: base + .5 });
    const root = draw("svg", { class: "histogram", viewBox: "0 0 " + width + " 50", role: "img" }, line, ...ticks, ...bars);
    return {
      root,
      update(buckets) {
        const all = buckets.reduce((sum, { calls }) => sum + calls, 0);
        const most = Math.max(...buckets.map(({ calls }) => calls));
        buckets.forEach(({ calls }, i) => {
          // What is rare is to be seen beside what is not.
          bars[i].style.transform = "scaleY(" + (calls === 0 ? 0 : Math.max(.06, calls / most)) + ")";
          say(bars[i].firstChild, range(buckets, i) + ": " + plural(calls, "call", "calls"));
        });
        const peak = buckets.findIndex(({ calls }) => calls === most);
        mark(root, "aria-label", "Latency of " + plural(all, "call", "calls") + ", most often " + range(buckets, peak));
      },
    };
  }

  const columns = ["p50", "p90", "p99", "Longest", "Per second", "In flight", "Started", "Failed"];

  function method({ path }) {
    const cells = columns.map((label) => make("td", { role: "cell", "data-label": label }));
    const picture = make("td", { role: "cell", class: "picture" });
    const name = make("bdi", {});
    say(name, path === "" ? "All of them" : path.slice(path.lastIndexOf("/") + 1));
    const root = make("tr", { role: "row" }, make("th", { role: "rowheader", scope: "row" }, name), picture, ...cells);
    let drawn;
    return {
      root,
      update({ latencyMs, callsStarted, callsFailed, inFlight, perSecond }) {
        if (latencyMs !== undefined && drawn === undefined) {
          drawn = histogram(latencyMs.buckets);
          picture.replaceChildren(drawn.root);
        }
        if (latencyMs === undefined) say(picture, "no call has ended yet");
        else drawn.update(latencyMs.buckets);
        mark(picture, "class", latencyMs === undefined ? "picture soft" : "picture");
        const { p50, p90, p99, max } = latencyMs ?? {};
        const values = [millis(p50), millis(p90), millis(p99), millis(max), rate(perSecond), whole.format(inFlight), whole.format(callsStarted), whole.format(callsFailed)];
        values.forEach((value, i) => {
          say(cells[i], value);
          mark(cells[i], "class", value === "0" || value === none ? "zero" : columns[i] === "Failed" ? "some" : "");
        });
      },
    };
  }

  function service({ serviceName }) {
    const name = make("bdi", { class: "mono" });
    say(name, serviceName);
    const heads = ["Method", "Latency", ...columns].map((text) => {
      const head = make("th", { role: "columnheader", scope: "col", class: text === "Latency" ? "picture" : "" });
      say(head, text);
      return head;
    });
    const body = make("tbody", { role: "rowgroup" });
    const table = make("table", { role: "table" }, make("caption", {}, name), make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads)), body);
    return {
      root: make("div", { class: "card service" }, table),
      update: ({ methods }) => each(body, methods, ({ path }) => path, method),
    };
  }

  // ── Long connections, and what happens to them ─────────────────────────────────────────────────────────────────────

  const facts = [
    ["Age", ({ ageMs }) => duration(ageMs)],
    ["In flight", ({ inFlight }) => whole.format(inFlight)],
    ["Queued", ({ queued }) => whole.format(queued)],
    ["Reconnects", ({ reconnects }) => whole.format(reconnects)],
    ["Channels", ({ channels }) => whole.format(channels)],
    ["Calls", ({ callsStarted }) => whole.format(callsStarted)],
    ["Failed", ({ callsFailed }) => whole.format(callsFailed)],
    ["Per second", ({ perSecond }) => rate(perSecond)],
  ];

  function connection({ target, isShort }) {
    const name = make("bdi", { class: "mono" });
    say(name, target);
    const state = make("span", {});
    const kind = make("span", { class: "soft" });
    say(kind, isShort ? " a new one for each call" : "");
    const values = facts.map(() => make("dd", {}));
    const pairs = facts.map(([label], i) => {
      const term = make("dt", {});
      say(term, label);
      return make("div", {}, term, values[i]);
    });
    const error = make("bdi", {});
    const why = make("p", { class: "why" }, make("span", { class: "soft" }, "Last error: "), error);
    return {
      root: make("li", { class: "card connection" }, make("h3", {}, name), make("p", {}, state, kind), make("dl", {}, ...pairs), why),
      update(stats) {
        showState(state, stats.state);
        facts.forEach(([, valueOf], i) => say(values[i], valueOf(stats)));
        why.hidden = stats.lastError === undefined;
        say(error, stats.lastError ?? "");
      },
    };
  }

  function happening({ at, type, target, peer, reason, backoffMs }) {
    const time = make("time", { datetime: new Date(at).toISOString(), title: new Date(at).toString() });
    say(time, clock.format(at));
    const state = make("span", {});
    showState(state, type);
    const where = make("bdi", { class: "mono" });
    say(where, target);
    const more = make("bdi", { class: "soft" });
    const texts = [peer, reason, backoffMs === undefined ? undefined : "next attempt in about " + millis(backoffMs)];
    say(more, texts.filter((text) => text !== undefined && text !== "").map((text) => " · " + text).join(""));
    return { root: make("li", {}, time, " ", state, " ", make("span", { class: "what" }, where, more)), update() {} };
  }

  // ── From one event to the next ─────────────────────────────────────────────────────────────────────────────────────

  let before;
  /** Calls per second of the whole server: one for each event. */
  const rates = [];
  const keptRates = 90;

  const methodsOf = ({ services, unknownMethods }) => [...services.flatMap(({ methods }) => methods), ...(unknownMethods === undefined ? [] : [unknownMethods])];
  const sum = (items, valueOf) => items.reduce((total, item) => total + valueOf(item), 0);

  /** What has been started since the event before, a second; undefined where there was none of this process. */
  function addRates(now) {
    const isSame = before !== undefined && before.process.pid === now.process.pid && before.process.uptimeMs < now.process.uptimeMs;
    if (!isSame) rates.length = 0;
    const seconds = isSame ? (now.process.uptimeMs - before.process.uptimeMs) / 1000 : 0;
    const compare = (items, old, keyOf) => {
      const known = new Map(isSame ? old.map((item) => [keyOf(item), item]) : []);
      for (const item of items) {
        const last = known.get(keyOf(item));
        item.perSecond = last === undefined ? undefined : Math.max(0, item.callsStarted - last.callsStarted) / seconds;
      }
    };
    const methods = methodsOf(now.server);
    compare(methods, isSame ? methodsOf(before.server) : [], ({ path }) => path);
    compare(now.connections, isSame ? before.connections : [], ({ id }) => id);
    if (isSame) rates.push(sum(methods, ({ perSecond }) => perSecond ?? 0));
    rates.splice(0, rates.length - keptRates);
    before = now;
  }

  function showRates() {
    say(byId("rate"), rate(rates.at(-1)));
    const highest = Math.max(...rates, 1);
    say(byId("rate-more"), rates.length < 2 ? "" : "highest " + rate(Math.max(...rates)));
    const points = rates.map((value, i) => ((i + keptRates - rates.length) / (keptRates - 1) * 100).toFixed(2) + " " + (29 - value / highest * 26).toFixed(2));
    const line = points.length < 2 ? "" : "M" + points.join(" L");
    mark(byId("rate-line"), "d", line);
    mark(byId("rate-area"), "d", line === "" ? "" : line + " V30 H" + points[0].split(" ")[0] + " Z");
  }

  function show(now) {
    addRates(now);
    const { server, process, connections, events } = now;
    const methods = methodsOf(server);
    showState(byId("server-state"), server.state);
    say(byId("addresses"), server.addresses.join(", ") || "listens nowhere");
    say(byId("process"), "process " + process.pid + ", Node.js " + process.nodeVersion.slice(1));
    say(byId("uptime"), "up " + duration(process.uptimeMs));
    if (server.addresses.length > 0) document.title = server.addresses[0] + " · Trunkline status";
    showRates();
    const started = sum(methods, ({ callsStarted }) => callsStarted), failed = sum(methods, ({ callsFailed }) => callsFailed);
    say(byId("in-flight"), whole.format(sum(methods, ({ inFlight }) => inFlight)));
    say(byId("in-flight-more"), whole.format(started) + " started");
    say(byId("failed"), whole.format(failed));
    const ended = started - sum(methods, ({ inFlight }) => inFlight);
    say(byId("failed-more"), ended === 0 ? "" : (failed / ended * 100).toFixed(failed > 0 && failed / ended < .1 ? 1 : 0) + " % of what ended");
    say(byId("open"), whole.format(server.openConnections));
    say(byId("open-more"), whole.format(server.acceptedConnections) + " accepted, " + whole.format(server.refusedConnections) + " refused");
    say(byId("descriptors"), server.freeFileDescriptors === undefined ? none : whole.format(server.freeFileDescriptors));
    say(byId("descriptors-more"), server.freeFileDescriptors === undefined ? "not told by this system" : "free");
    each(byId("services"), server.services, ({ serviceName }) => serviceName, service);
    byId("no-services").hidden = server.services.length > 0;
    const unknown = server.unknownMethods === undefined ? [] : [{ serviceName: "methods that no service has", methods: [server.unknownMethods] }];
    each(byId("unknown"), unknown, ({ serviceName }) => serviceName, service);
    each(byId("connections"), connections, ({ id }) => id, connection);
    byId("no-connections").hidden = connections.length > 0;
    each(byId("events"), events, ({ at, number }) => at + " " + number, happening);
    byId("no-events").hidden = events.length > 0;
  }

  // ── The stream ─────────────────────────────────────────────────────────────────────────────────────────────────────

  const place = location.pathname.replace(/[/]+$/, "");
  byId("json").href = place + "/stats";
  let lastAt, silence;

  function tell(news) {
    const since = lastAt === undefined ? "" : " since " + clock.format(lastAt);
    const texts = { waiting: "Connecting", live: "Live", lost: "Connection lost" + (lastAt === undefined ? "" : ", no news" + since) + "; trying again", silent: "No news" + since };
    say(byId("news"), texts[news]);
    mark(byId("news"), "data-news", news);
    mark(document.body, "data-news", news);
  }

  function open() {
    const source = new EventSource(place + "/events");
    source.onmessage = ({ data }) => {
      const now = JSON.parse(data);
      lastAt = Date.now();
      show(now);
      tell("live");
      clearTimeout(silence);
      // A process that stands still keeps the stream open, and says nothing.
      silence = setTimeout(() => tell("silent"), Math.max(5000, 3 * now.everyMs));
    };
    source.onerror = () => {
      clearTimeout(silence);
      tell("lost");
      if (source.readyState !== EventSource.CLOSED) return;
      // Answered, but not with a stream: the browser gives up on that, so that another is to be asked for.
      setTimeout(open, 2000);
    };
  }
  open();
})();
`;
