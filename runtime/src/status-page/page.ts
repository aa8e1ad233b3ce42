/** The status page: one HTML file, with its style and its script in it. */
import { createHash } from "node:crypto";
import { script } from "./script.js";
import { style } from "./style.js";

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' " +
  "rx='4' fill='%232464d6'/%3E%3Cpath d='M3 10h2l2-5 2 7 2-4h2' fill='none' stroke='%23fff' stroke-width='1.6'/%3E%3C/svg%3E";

export const page: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Trunkline status</title>
<link rel="icon" href="${icon}">
<style>${style}</style>
</head>
<body>
<div class="frame">
<header>
<div class="top">
<h1>Trunkline status</h1>
<span id="server-state" class="state"></span>
<p id="news" class="news" role="status" data-news="waiting">Connecting</p>
</div>
<p class="who"><bdi id="addresses" class="mono"></bdi> <span id="process"></span> <span id="uptime"></span></p>
<noscript><p>This page needs JavaScript. The same as text: <a href="stats">stats</a>.</p></noscript>
</header>
<main aria-live="off">
<dl class="figures" aria-label="The server as a whole">
<div class="card figure wide">
<dt>Calls per second</dt><dd class="value" id="rate">–</dd><dd class="more" id="rate-more"></dd>
<dd class="spark" aria-hidden="true"><svg viewBox="0 0 100 30" preserveAspectRatio="none"><path id="rate-area" class="area" d=""/><path id="rate-line" class="line" d=""/></svg></dd>
</div>
<div class="card figure"><dt>Calls in flight</dt><dd class="value" id="in-flight">–</dd><dd class="more" id="in-flight-more"></dd></div>
<div class="card figure"><dt>Calls failed</dt><dd class="value" id="failed">–</dd><dd class="more" id="failed-more"></dd></div>
<div class="card figure"><dt>Connections</dt><dd class="value" id="open">–</dd><dd class="more" id="open-more"></dd></div>
<div class="card figure"><dt>File descriptors</dt><dd class="value" id="descriptors">–</dd><dd class="more" id="descriptors-more"></dd></div>
</dl>
<section aria-labelledby="services-title">
<h2 id="services-title">Services</h2>
<div id="services"></div>
<p id="no-services" class="card empty" hidden>No service is registered at this server.</p>
<div id="unknown"></div>
</section>
<section aria-labelledby="connections-title">
<h2 id="connections-title">Long connections of this process</h2>
<ul id="connections" class="connections"></ul>
<p id="no-connections" class="card empty" hidden>This process has dialled nobody.</p>
</section>
<section aria-labelledby="events-title">
<h2 id="events-title">What happened to them</h2>
<div class="card">
<ol id="events" class="events"></ol>
<p id="no-events" class="empty" hidden>Nothing, while somebody looked at this page.</p>
</div>
</section>
</main>
<footer>Latency is from a call's arrival to its status, over all calls since the server was made. <a id="json" href="stats">The same as JSON</a></footer>
</div>
<script>${script}</script>
</body>
</html>
`;

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Content-Security-Policy: this style and this script, data from where the page is from, and nothing else at all. */
export const pagePolicy: string = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
