"use strict";
// Draws each figure with `data-chart` from the table inside it, which stays for those who read.
(() => {
  const DAY = 86400;
  const drawn = new Map();

  function seriesOf(figure) {
    const first = Date.parse(figure.dataset.first) / 1000, last = Date.parse(figure.dataset.last) / 1000;
    const days = Array.from({ length: (last - first) / DAY + 1 }, (_, place) => first + place * DAY);
    const labels = [...figure.querySelectorAll("thead th")].slice(1).map((head) => head.textContent);
    const values = labels.map(() => new Array(days.length).fill(0));
    for (const row of figure.querySelectorAll("tr[data-day]")) {
      const place = (Date.parse(row.dataset.day) / 1000 - first) / DAY;
      row.querySelectorAll("td[data-value]").forEach((cell, series) => { values[series][place] = Number(cell.dataset.value); });
    }
    return { labels, data: [days, ...values] };
  }

  function draw(figure) {
    const { labels, data } = seriesOf(figure);
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const lines = [[colour("--accent"), []], [colour("--good"), [8, 4]], [colour("--warn"), [2, 4]]];
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const day = new Intl.DateTimeFormat(navigator.language, { month: "short", day: "numeric", timeZone: "UTC" });
    const place = document.createElement("div");
    place.className = "drawing";
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", `${figure.querySelector("h2").textContent}, by day; the table has the numbers`);
    const told = document.createElement("p");
    told.className = "legend muted";
    const say = (index) => {
      told.replaceChildren(...labels.flatMap((label, series) => {
        const mark = document.createElement("span");
        mark.className = `line line-${series}`;
        const value = index === null ? "" : ` ${data[series + 1][index].toLocaleString(navigator.language)}`;
        return [mark, `${label}${value}  `];
      }), index === null ? "" : day.format(data[0][index] * 1000));
    };
    say(null);
    figure.querySelector("figcaption").after(place, told);
    const chart = new uPlot({
      width: place.clientWidth, height: 220, tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      legend: { show: false }, cursor: { y: false, points: { size: 7 } },
      scales: { y: { range: (_, least, most) => [Math.min(0, least), most > 0 ? most * 1.1 : 1] } },
      axes: [{ ...axis, values: (_, splits) => splits.map((split) => day.format(split * 1000)) }, { ...axis, size: 64 }],
      series: [{}, ...labels.map((label, series) => ({ label, stroke: lines[series][0], width: 2, dash: lines[series][1], points: { show: false } }))],
      hooks: { setCursor: [(self) => say(self.cursor.idx ?? null)] },
    }, data, place);
    const watcher = new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 220 }));
    watcher.observe(place);
    drawn.set(figure, () => { watcher.disconnect(); chart.destroy(); place.remove(); told.remove(); });
  }

  function drawAll() {
    for (const [figure, forget] of drawn) { forget(); drawn.delete(figure); }
    document.querySelectorAll("figure[data-chart]").forEach(draw);
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.addEventListener("refport:shown", drawAll);
  drawAll();
})();
