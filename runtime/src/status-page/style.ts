/** How the status page looks: light or dark as the reader's system is, in one column on a phone. */
export const style: string = `
:root {
  color-scheme: light dark;
  --page: #f4f6f9;
  --card: #ffffff;
  --ink: #1a2330;
  --soft: #56616f;
  --line: #e2e7ee;
  --accent: #2464d6;
  --fill: #dfe9fb;
  --bar: #5b8fe8;
  --good: #17804a;
  --warn: #9a5b00;
  --bad: #c22f1a;
  --bad-fill: #fdeeeb;
  --shadow: 0 1px 2px rgb(20 35 60 / 6%), 0 4px 16px rgb(20 35 60 / 4%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1319;
    --card: #161d26;
    --ink: #e5eaf1;
    --soft: #9aa6b5;
    --line: #27313d;
    --accent: #7fb0ff;
    --fill: #1b2b45;
    --bar: #4f86dd;
    --good: #4fc98c;
    --warn: #e8b25a;
    --bad: #ff8d78;
    --bad-fill: #35201d;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  background: var(--page);
  color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
h1, h2, h3, p, dl, dd, ol, ul, figure { margin: 0; padding: 0; }
ol, ul { list-style: none; }
bdi, .wraps { overflow-wrap: anywhere; unicode-bidi: isolate; }
.mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .93em; }
.soft { color: var(--soft); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.frame { max-width: 1180px; margin: 0 auto; padding: 0 24px; }

/* Who it is, and whether what is shown is fresh. */
header { padding: 26px 0 0; }
.top { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 14px; }
h1 { font-size: 22px; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; }
.who { margin-top: 4px; display: flex; flex-wrap: wrap; gap: 0 18px; color: var(--soft); }
.news {
  margin-left: auto;
  padding: 3px 12px;
  border: 1px solid var(--line);
  border-radius: 99px;
  background: var(--card);
  font-size: 13px;
}
.news[data-news="lost"], .news[data-news="silent"] {
  border-color: var(--bad);
  background: var(--bad-fill);
  color: var(--ink);
  font-weight: 600;
}
main { transition: filter .3s; }
body[data-news="lost"] main, body[data-news="silent"] main { filter: grayscale(1); }

/* A state is a word and a shape; its colour comes on top. */
.state { display: inline-flex; align-items: center; gap: 7px; font-weight: 600; white-space: nowrap; }
.state svg { width: 12px; height: 12px; flex: none; overflow: visible; }
.good { color: var(--good); }
.busy { color: var(--accent); }
.rest { color: var(--soft); }
.warn { color: var(--warn); }
.bad { color: var(--bad); }

/* Figures of the server as a whole. */
.figures { display: grid; grid-template-columns: minmax(260px, 1.8fr) repeat(4, minmax(118px, 1fr)); gap: 14px; margin-top: 22px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); }
.figure { padding: 13px 16px 14px; min-width: 0; display: flex; flex-direction: column; }
.figure dt { font-size: 13px; color: var(--soft); }
.figure .value { font-size: 27px; line-height: 1.25; font-weight: 620; letter-spacing: -.015em; }
.figure .more { font-size: 13px; color: var(--soft); }
.figure.wide { position: relative; overflow: hidden; }
.figure .spark { position: absolute; inset: auto 0 0 34%; height: 70%; }
.spark svg { display: block; width: 100%; height: 100%; }
.spark .area { fill: var(--fill); }
.spark .line { fill: none; stroke: var(--bar); stroke-width: 1.75; vector-effect: non-scaling-stroke; stroke-linejoin: round; }

section { margin-top: 30px; }
h2 { font-size: 16px; font-weight: 640; margin-bottom: 10px; }
.empty { padding: 14px 18px; color: var(--soft); }

/* Methods: a table, whose rows become blocks on a phone. */
.service { padding: 4px 0 2px; overflow: hidden; }
.service + .service { margin-top: 14px; }
table { width: 100%; border-collapse: collapse; }
caption { text-align: left; padding: 11px 18px 9px; font-weight: 600; }
th, td { padding: 9px 10px; text-align: right; white-space: nowrap; font-weight: inherit; vertical-align: middle; }
thead th { padding-top: 0; padding-bottom: 7px; font-size: 13px; color: var(--soft); font-weight: 500; vertical-align: bottom; }
tbody tr { border-top: 1px solid var(--line); }
th:first-child { padding-left: 18px; text-align: left; }
td:last-child, th:last-child { padding-right: 18px; }
tbody th { font-weight: 600; white-space: normal; min-width: 120px; }
td.picture, th.picture { text-align: left; width: 236px; }
td.zero { color: var(--soft); }
td.some { color: var(--bad); font-weight: 600; }
.histogram { display: block; width: 216px; height: auto; overflow: visible; }
.histogram .bar { fill: var(--bar); transform-box: fill-box; transform-origin: bottom; transition: transform .35s ease-out; }
.histogram .base { stroke: var(--line); }
.histogram .tick { stroke: var(--soft); opacity: .55; }
.histogram text { fill: var(--soft); font-size: 10.5px; text-anchor: middle; }

/* Long connections. */
.connections { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 14px; }
.connection { padding: 14px 18px 15px; min-width: 0; }
.connection h3 { font-size: 15px; font-weight: 600; margin-bottom: 3px; }
.connection dl { display: grid; grid-template-columns: 1.35fr 1fr 1fr 1.1fr; gap: 9px 10px; margin-top: 12px; }
.connection dt, .events time { font-size: 12.5px; color: var(--soft); }
.connection dd { font-weight: 600; white-space: nowrap; }
.why { margin-top: 11px; padding-top: 10px; border-top: 1px solid var(--line); font-size: 13.5px; }

/* What happened. */
.events li { display: grid; grid-template-columns: 72px 190px 1fr; gap: 2px 14px; padding: 8px 18px; align-items: baseline; }
.events li + li { border-top: 1px solid var(--line); }
.events .state { font-size: 14px; }
footer { margin: 26px 0 34px; font-size: 13px; color: var(--soft); }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }

@media (max-width: 1000px) {
  .figures { grid-template-columns: repeat(4, 1fr); }
  .figure.wide { grid-column: 1 / -1; min-height: 96px; }
}
@media (max-width: 860px) {
  .frame { padding: 0 14px; }
  header { padding-top: 16px; }
  h1 { font-size: 19px; }
  .top { gap: 6px 10px; }
  .figures { grid-template-columns: 1fr 1fr; gap: 10px; margin-top: 16px; }
  section { margin-top: 24px; }
  caption, .connection, .empty, .events li { padding-left: 14px; padding-right: 14px; }
  table, tbody, caption { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { display: grid; grid-template-columns: repeat(4, 1fr); gap: 8px 10px; padding: 11px 14px 13px; }
  tbody th, tbody td, td:last-child, th:first-child { display: block; padding: 0; text-align: left; min-width: 0; }
  tbody th, td.picture { grid-column: 1 / -1; width: auto; }
  td[data-label]::before { content: attr(data-label); display: block; font-size: 12.5px; font-weight: 400; color: var(--soft); }
  .histogram { width: 100%; max-width: 420px; }
  .events li { grid-template-columns: auto 1fr; }
  .events .what { grid-column: 1 / -1; }
}
@media (prefers-reduced-motion: reduce) {
  * { transition: none !important; }
}
`;
