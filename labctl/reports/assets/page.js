"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  data.lost = data.lost.map(row => row.map((cell, column) => column > 3 ? data.texts[cell] : cell));
  const root = document.documentElement;
  const DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3]];
  const ROW = 15;
  const PRINTED_WIDTH = 670;
  let charts = [];

  const colour = name => getComputedStyle(root).getPropertyValue(name).trim();
  const number = value => {
    if (value == null) return "–";
    const size = Math.abs(value);
    const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4;
    return value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
  };
  const short = value => value == null ? "" : value.toLocaleString("en", {maximumSignificantDigits: 3});

  // Labels above the plot: steps in the first row, phases in the next, what was broken in two rows below
  // them. A label that has no room is shortened, then left out; the narration has it.
  function rows(bands) {
    const count = kind => bands.filter(band => band.kind === kind).length;
    const used = ["step", "phase"].filter(count);
    const faults = ["fault", "fault too"].slice(0, Math.min(count("fault"), 2));
    return new Map([...used, ...faults].map((kind, row) => [kind, row]));
  }

  function fitted(context, text, room) {
    if (context.measureText(text).width <= room) return text;
    for (let length = text.length - 1; length > 3; length--) {
      const cut = text.slice(0, length).trimEnd() + "…";
      if (context.measureText(cut).width <= room) return cut;
    }
    const head = text.split(" ")[0];
    return /^\d+$/.test(head) && context.measureText(head).width <= room ? head : "";
  }

  function drawBands(u, bands) {
    const {ctx, bbox} = u, ratio = devicePixelRatio, place = rows(bands), ends = new Map();
    const left = value => Math.min(Math.max(u.valToPos(value, "x", true), bbox.left), bbox.left + bbox.width);
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "middle";
    const faultRows = ["fault", "fault too"].filter(kind => place.has(kind)).map(kind => place.get(kind));
    bands.forEach(band => {
      if (band.end < u.scales.x.min || band.start > u.scales.x.max) return;
      const fault = band.kind === "fault";
      const start = left(band.start), width = Math.max(left(band.end) - start, fault ? 2 * ratio : 0);
      const top = fault ? bbox.top : bbox.top - (place.size - place.get(band.kind)) * ROW * ratio;
      if (fault || band.odd) {
        ctx.fillStyle = colour(fault ? "--fault" : "--band");
        const height = band.kind === "phase" ? (ROW - 2) * ratio : bbox.top + bbox.height - top;
        ctx.fillRect(start, top, width, height);
      }
      ctx.strokeStyle = colour(fault ? "--bad" : "--line");
      ctx.lineWidth = ratio;
      ctx.beginPath();
      ctx.moveTo(start, fault ? bbox.top : top);
      ctx.lineTo(start, band.kind === "phase" ? top + ROW * ratio : bbox.top + bbox.height);
      ctx.stroke();
      const right = fault ? bbox.left + bbox.width : start + width;
      const row = fault
        ? faultRows.find(free => (ends.get(free) ?? 0) <= start) ?? -1
        : place.get(band.kind);
      if (row < 0) return;
      let from = start + 3 * ratio;
      let text = fitted(ctx, band.label, right - from - 3 * ratio);
      const full = ctx.measureText(band.label).width;
      if (fault && text !== band.label && start - full - 3 * ratio >= (ends.get(row) ?? bbox.left)) {
        // There is room to the left of its line.
        [text, from] = [band.label, start - full - 3 * ratio];
      }
      ctx.fillStyle = colour(fault ? "--bad" : "--soft");
      ctx.fillText(text, from, bbox.top - (place.size - row - 0.5) * ROW * ratio);
      ends.set(row, from + ctx.measureText(text).width + 6 * ratio);
    });
    ctx.restore();
  }

  function seriesOf(series, index) {
    const stroke = colour(`--s${index % 4 + 1}`);
    const base = {label: series.label, stroke, width: 1.75, dash: DASHES[index % 4], value: (u, v) => number(v)};
    if (series.style === "points") {
      return {...base, dash: [], paths: () => null, points: {show: true, size: 6, fill: stroke, width: 0}};
    }
    if (series.style === "steps") {
      return {...base, fill: index ? undefined : stroke + "33", paths: uPlot.paths.stepped({align: -1}), points: {show: false}};
    }
    return {...base, spanGaps: false, points: {show: series.values.length < 60, size: 4}};
  }

  // On a logarithmic scale there is no room for zero.
  const positive = values => values.map(value => value > 0 ? value : null);

  // The next number of the row 1, 2, 5, 10, 20 …
  function round125(value, up) {
    const decade = 10 ** Math.floor(Math.log10(value)), steps = [1, 2, 5, 10].map(step => step * decade);
    return up ? steps.find(step => step > value) ?? 20 * decade : steps.reverse().find(step => step <= value);
  }

  function valueScale(chart) {
    if (!chart.log || !chart.timed) return {range: (u, min, max) => [0, max > 0 ? max * 1.08 : 1]};
    return {distr: 3, range: (u, min, max) => min == null ? [0.1, 10] : [round125(min, false), round125(max, true)]};
  }

  function axis(label, more) {
    const line = {stroke: colour("--grid"), width: 1};
    return {stroke: colour("--soft"), grid: line, ticks: line, label, labelSize: 18, labelFont: "12px system-ui, sans-serif",
      font: "11px system-ui, sans-serif", ...more};
  }

  function draw(chart, element, width) {
    const bands = chart.timed ? data.bands : [];
    const logX = chart.log && !chart.timed;
    const sparse = (u, splits) => {
      const wide = splits[splits.length - 1] / splits[0] > 200;
      return splits.map(v => {
        const lead = Number(v.toPrecision(3)) / 10 ** Math.floor(Math.log10(v) + 1e-9);
        return [1, ...(wide ? [] : [2, 5])].some(one => Math.abs(lead - one) < 1e-6) ? v : null;
      });
    };
    const spanned = chart.timed ? [0, Math.max(data.until, chart.x[chart.x.length - 1])] : null;
    const options = {
      width, height: 250 + rows(bands).size * ROW,
      padding: [8 + rows(bands).size * ROW, logX ? 24 : 12, 0, 0],
      scales: {
        x: spanned ? {time: false, range: (u, min, max) => u.zoomed ? [min, max] : spanned} : {time: false, distr: logX ? 3 : 1},
        y: valueScale(chart),
      },
      axes: [
        axis(chart.x_label, {values: (u, splits) => splits.map(short), ...(logX ? {filter: sparse} : {}), size: 34}),
        axis(chart.unit, {values: (u, splits) => splits.map(short), size: 58,
          ...(chart.log && chart.timed ? {filter: sparse} : {})}),
      ],
      series: [{label: chart.timed ? "time (s)" : "up to (ms)", value: (u, v) => number(v)}, ...chart.series.map(seriesOf)],
      cursor: {sync: chart.timed ? {key: "time"} : undefined, focus: {prox: 24}},
      legend: {show: true, live: true},
      hooks: {
        drawClear: [u => drawBands(u, bands)],
        setSelect: [u => { u.zoomed = u.select.width > 0; }],
      },
    };
    const log = chart.log && chart.timed;
    const columns = [chart.x, ...chart.series.map(s => log ? positive(s.values) : s.values)];
    const u = new uPlot(options, columns, element);
    u.over.addEventListener("dblclick", () => { u.zoomed = false; u.setScale("x", {min: spanned ? 0 : chart.x[0], max: spanned ? spanned[1] : chart.x[chart.x.length - 1]}); });
    return u;
  }

  function widthOf(element) {
    return root.classList.contains("printing") ? PRINTED_WIDTH : Math.max(240, element.clientWidth);
  }

  function drawAll() {
    for (const {u} of charts) u.destroy();
    charts = data.charts.map(chart => {
      const element = document.getElementById(`chart-${chart.key}`);
      return {chart, element, u: draw(chart, element, widthOf(element))};
    });
  }

  // Arrow keys move through a chart's points, and what is there is said aloud.
  function listen(element) {
    const said = document.getElementById(`${element.id}-said`);
    let at = -1;
    element.addEventListener("keydown", event => {
      const move = {ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity}[event.key];
      if (move === undefined) return;
      event.preventDefault();
      const {chart, u} = charts.find(one => one.element === element);
      at = Math.min(Math.max(at + move, 0), chart.x.length - 1);
      u.setCursor({left: u.valToPos(chart.x[at], "x"), top: 20});
      const values = chart.series.filter(s => s.values[at] != null)
        .map(s => `${s.label} ${number(s.values[at])} ${chart.unit}`);
      said.textContent = `${number(chart.x[at])} ${chart.timed ? "s" : "ms"}: ${values.join(", ") || "nothing"}`;
    });
  }

  function lostTable() {
    const table = document.getElementById("lost");
    if (!table) return;
    const PAGE = 50;
    const body = table.tBodies[0], search = document.getElementById("lost-search");
    const said = document.getElementById("lost-said");
    const [back, forth] = ["lost-back", "lost-forth"].map(id => document.getElementById(id));
    const haystacks = data.lost.map(row => row.join(" ").toLowerCase());
    let found = data.lost, first = 0;
    document.getElementById("lost-find").hidden = false;
    function show() {
      const page = found.slice(first, first + PAGE);
      body.replaceChildren(...page.map(row => {
        const line = document.createElement("tr");
        row.forEach((value, column) => {
          const cell = document.createElement("td");
          cell.textContent = typeof value === "number" && column === 0 ? value.toFixed(3) : String(value);
          if (column === 0) cell.className = "n";
          else { cell.dir = "auto"; if (column === 1) cell.className = "long"; }
          line.append(cell);
        });
        return line;
      }));
      const last = first + page.length;
      said.textContent = found.length ? `${(first + 1).toLocaleString("en")} to ${last.toLocaleString("en")} of ${found.length.toLocaleString("en")}` : "nothing found";
      back.disabled = first === 0;
      forth.disabled = last >= found.length;
    }
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      found = data.lost.filter((_, index) => words.every(word => haystacks[index].includes(word)));
      first = 0;
      show();
    });
    back.addEventListener("click", () => { first = Math.max(0, first - PAGE); show(); });
    forth.addEventListener("click", () => { first += PAGE; show(); });
    show();
  }

  drawAll();
  charts.forEach(({element}) => listen(element));
  lostTable();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("beforeprint", () => { root.classList.add("printing"); drawAll(); });
  addEventListener("afterprint", () => { root.classList.remove("printing"); drawAll(); });
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width || root.classList.contains("printing")) return;
    width = innerWidth;
    for (const {element, u} of charts) u.setSize({width: widthOf(element), height: u.height});
  });
  root.dataset.drawn = "yes";
})();
