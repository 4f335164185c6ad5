/* Live regions: the server says what changed, the page fetches only those regions again.

   <body data-live-url="/live/…">                    the event stream
   <section data-live-region="callout log" id="…"    names this region follows; "*" follows everything
            hx-get="…" hx-trigger="live:refresh" hx-swap="outerHTML">
   A message carries JSON: {"changed": ["callout", …], "at": ISO}; no names means everything. Any event, a beat
   included, counts as a sign of life, so the stream should send one at least every five seconds.
   Freshness: amber after 10 s of silence, red after 30 s; while silent the regions are polled every 5 s.
   [data-needs-live] buttons are disabled while red. A region being typed in is refreshed when the typing ends;
   so is one with data-keep-ticks while its ticks differ from those it came with. */
(function () {
  "use strict";
  var doc = document, url = doc.body.dataset.liveUrl;
  if (!url) return;
  var heard = Date.now(), state = "ok", waiting = new Set(), fetching = new Set(), again = new Set(), polled = 0, pending = 0, source;
  var mark = doc.querySelector("[data-live]"), text = doc.querySelector("[data-live-text]"), status = doc.querySelector("[data-live-status]");

  function alive(event) {
    heard = Date.now();
    var body = null;
    try { body = event && event.data ? JSON.parse(event.data) : null; } catch (e) { body = null; }
    if (body && body.at && window.musterClock) window.musterClock.sync(body.at);
    return body;
  }
  function busy(region) {
    var field = region.contains(doc.activeElement) && doc.activeElement.closest("input:not([type=checkbox]):not([type=radio]), textarea, select");
    // Ticks that nobody has sent yet would be lost with the region.
    var ticked = region.hasAttribute("data-keep-ticks") && Array.from(region.querySelectorAll("input[type=checkbox]")).some(function (box) { return box.checked !== box.defaultChecked; });
    return Boolean(field) || ticked || region.querySelector("details[data-hold][open]");
  }
  function refresh(region, tried) {
    tried = tried || 0;
    if (busy(region)) { waiting.add(region.id); return; }
    waiting.delete(region.id);
    // htmx would queue a second request on the element that the first one's answer replaces, and lose it.
    if (fetching.has(region.id)) { again.add(region.id); return; }
    if (!window.htmx) return;
    window.htmx.trigger(region, "live:refresh");
    // For some milliseconds after a swap htmx does not listen to the new element yet.
    if (!fetching.has(region.id)) setTimeout(function () { var now = doc.getElementById(region.id); if (now && tried < 20) refresh(now, tried + 1); }, 60);
  }
  function isRefresh(event) {
    var asked = event.detail.requestConfig && event.detail.requestConfig.elt || event.detail.elt, by = event.detail.requestConfig && event.detail.requestConfig.triggeringEvent;
    return asked && asked.hasAttribute && asked.hasAttribute("data-live-region") && by && by.type === "live:refresh" ? asked : null;
  }
  doc.addEventListener("htmx:beforeRequest", function (event) {
    var region = isRefresh(event);
    if (region) fetching.add(region.id);
  });
  doc.addEventListener("htmx:beforeSwap", function (event) {
    var region = isRefresh(event);
    // Somebody began to type or tick while the answer was on its way: theirs comes first.
    if (region && busy(region)) { event.detail.shouldSwap = false; waiting.add(region.id); }
  });
  doc.addEventListener("htmx:afterRequest", function (event) {
    var region = isRefresh(event);
    if (!region) return;
    fetching.delete(region.id);
    if (again.delete(region.id)) setTimeout(function () { var now = doc.getElementById(region.id); if (now) refresh(now); }, 50);
  });
  function refreshNamed(names) {
    doc.querySelectorAll("[data-live-region]").forEach(function (region) {
      var follows = region.dataset.liveRegion.split(/\s+/);
      if (!names || !names.length || follows.indexOf("*") >= 0 || follows.some(function (name) { return names.indexOf(name) >= 0; })) refresh(region);
    });
  }
  function changed(event) {
    var body = alive(event);
    if (body && body.beat) return;
    refreshNamed(Array.isArray(body) ? body : body && (body.changed || body.ids));
  }
  function connect() {
    if (source) source.close();
    source = new EventSource(url);
    source.onopen = function () {
      alive();
    };
    source.onmessage = changed;
    source.addEventListener("changed", changed);
    source.addEventListener("hello", function (event) {
      alive(event);
      // What happened before this connection, since the page was made or the last one broke, was told to nobody.
      refreshNamed(null);
    });
    source.addEventListener("beat", alive);
    source.onerror = function () {
      // The browser retries by itself unless the server refused; then we try again.
      if (source.readyState === 2) setTimeout(connect, 5000);
    };
  }
  function show() {
    var quiet = (Date.now() - heard) / 1000, now = quiet >= 30 ? "lost" : quiet >= 10 ? "late" : "ok", words = mark ? mark.dataset : {};
    if (text) text.textContent = now === "ok" ? words.wordLive + " · " + (quiet < 1 ? quiet.toFixed(1) : Math.floor(quiet)) + " " + words.wordSeconds
      : (now === "late" ? words.wordLate : words.wordLost) + " " + Math.floor(quiet / 60) + ":" + ("0" + Math.floor(quiet % 60)).slice(-2);
    if (now !== state) {
      if (mark) mark.dataset.state = now;
      if (status) status.textContent = now === "ok" ? words.wordBack : now === "late" ? words.wordLate : words.wordLost;
      doc.querySelectorAll("[data-needs-live]").forEach(function (button) {
        if (now === "lost" && !button.disabled) { button.disabled = true; button.dataset.liveOff = "1"; button.title = window.muster ? window.muster.words.offline : ""; }
        else if (now !== "lost" && button.dataset.liveOff) { button.disabled = false; delete button.dataset.liveOff; button.title = ""; }
      });
      if (now === "ok") refreshNamed(null);
      state = now;
    }
    if (quiet > 6 && Date.now() - polled > 5000 && doc.visibilityState === "visible") { polled = Date.now(); refreshNamed(null); }
  }
  doc.addEventListener("htmx:afterRequest", function (event) {
    // A region fetched while the stream is silent is fresh too: the polling fallback keeps the page green.
    if (event.detail.successful && event.detail.elt && event.detail.elt.hasAttribute("data-live-region")) heard = Date.now();
  });
  ["focusout", "toggle", "change"].forEach(function (name) { doc.addEventListener(name, function () {
    clearTimeout(pending);
    pending = setTimeout(function () {
      // A copy: whoever is still busy is put back, and would be met again for ever.
      Array.from(waiting).forEach(function (id) { var region = doc.getElementById(id); waiting.delete(id); if (region) refresh(region); });
    }, 400);
  }, true); });
  // The focus survives a swap when the same element, by id or by row key, is there again.
  var focused = null;
  doc.addEventListener("htmx:beforeSwap", function (event) {
    var active = doc.activeElement;
    focused = event.detail.target && event.detail.target.contains(active) ? { id: active.id, pin: active.dataset ? active.dataset.pin : "" } : null;
  });
  doc.addEventListener("htmx:afterSettle", function () {
    if (!focused) return;
    var again = (focused.id && doc.getElementById(focused.id)) || (focused.pin && doc.querySelector('[data-row][data-pin="' + CSS.escape(focused.pin) + '"]'));
    if (again && doc.activeElement === doc.body) again.focus({ preventScroll: true });
    focused = null;
  });
  if ("EventSource" in window) connect();
  setInterval(show, 500);
})();
